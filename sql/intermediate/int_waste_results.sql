-- int_waste_results: every result of a tool with the call that asked for it, and where both stand in the ledger.
-- grain: one row per tool result of a session
-- key:   source_id, session_id, block_index
-- reads: blocks, ledger_places, int_ledger_slots, int_session_lines

with places as (
    select
        source_id,
        session_id,
        thread_id,
        request_id,
        max(place_index) as place_index,
        arg_max(segment_index, place_index) as segment_index,
        arg_max(lineage_index, place_index) as lineage_index,
        arg_max(prompt_tokens, place_index) as prompt_tokens
    from ledger_places
    group by all
),

calls as (
    select
        source_id,
        session_id,
        tool_use_id,
        block_index,
        request_id,
        content_hash,
        range_start,
        range_lines,
        preview,
        -- Only what a shell runs depends on the folder.
        case when tool_name in ('Bash', 'PowerShell') then file_id end as file_id,
        offset_bytes
    from blocks
    where
        kind = 'tool_call'
        and tool_use_id is not null
),

folders as (
    select
        file_id,
        offset_bytes,
        cwd
    from int_session_lines
    where
        type = 'assistant'
        and cwd is not null
)

select
    results.source_id,  -- shard
    results.session_id,  -- session
    results.block_index,  -- the result
    calls.block_index as call_block_index,  -- the call
    coalesce(results.agent_id, '') as thread_id,  -- subagent; empty on the main thread
    results.tool_name,  -- tool
    results.path,  -- file the call names
    coalesce(results.range_start, calls.range_start) as range_start,  -- first line, from 1
    coalesce(results.range_lines, calls.range_lines) as range_lines,  -- number of lines
    coalesce(results.is_error, false) as is_error,  -- flagged as an error
    results.content_hash,  -- text of the result
    calls.content_hash as input_hash,  -- text of the call
    results.preview,  -- first 200 characters of the result
    calls.preview as call_preview,  -- first 200 characters of the call
    results.text_bytes,  -- UTF-8 bytes of the result
    results.logged_at,  -- time of the result
    results.turn_index,  -- turn
    folders.cwd,  -- folder a shell command ran in
    results.first_request_id,  -- request that consumed it
    results.size_tokens,  -- tokens it took there
    int_ledger_slots.slot_index,  -- slot of the ledger
    calls.request_id,  -- response that asked
    places.place_index,  -- place of that response
    places.segment_index,  -- segment of that response
    places.lineage_index,  -- lineage of that response
    places.prompt_tokens  -- tokens of the prompt that it answered
from blocks as results
inner join calls
    on
        results.source_id = calls.source_id
        and results.session_id = calls.session_id
        and results.tool_use_id = calls.tool_use_id
inner join int_ledger_slots
    on
        results.source_id = int_ledger_slots.source_id
        and results.session_id = int_ledger_slots.session_id
        and results.block_index = int_ledger_slots.block_index
inner join places
    on
        calls.request_id = places.request_id
        and results.source_id = places.source_id
        and results.session_id = places.session_id
        and coalesce(results.agent_id, '') = places.thread_id
left join folders on calls.file_id = folders.file_id and calls.offset_bytes = folders.offset_bytes
where results.kind = 'tool_result'
