-- int_blocks: what stands in each session, block by block.
-- grain: one row per content block of a session, whatever number of lines repeat it
-- key:   source_id, session_id, block_index
-- reads: stg_block_lines, stg_lines, int_session_lines, int_threads, int_agents, int_response_copies
-- note:  progress lines of the parent repeat what subagents wrote; the copy in the agent's own file is kept

-- Which blocks stand once is worked out on their keys, and ranked only where a key repeats: rows are wide.
with block_keys as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as agent_key,
        coalesce(uuid, concat(file_id, ':', offset_bytes)) as block_uuid,
        line_block_index,
        file_id,
        offset_bytes,
        file_path,
        is_nested,
        logged_at,
        case when kind in ('tool_call', 'tool_result') then kind || ':' || tool_use_id end as call_key
    from stg_block_lines
    -- A line without a uuid is known by its bytes: its copies in other files were left out with their line.
    where
        uuid is not null
        or (file_id, offset_bytes) in (
            select
                file_id,
                offset_bytes
            from int_session_lines
            where uuid is null
        )
),

repeated_keys as (
    select
        source_id,
        session_id,
        agent_key,
        block_uuid,
        line_block_index
    from block_keys
    group by all
    having count(*) > 1
),

repeated_blocks as (
    select
        block_keys.file_id,
        block_keys.offset_bytes,
        block_keys.line_block_index
    from block_keys
    semi join repeated_keys
        on
            block_keys.source_id = repeated_keys.source_id
            and block_keys.session_id = repeated_keys.session_id
            and block_keys.agent_key = repeated_keys.agent_key
            and block_keys.block_uuid = repeated_keys.block_uuid
            and block_keys.line_block_index = repeated_keys.line_block_index
    qualify
        row_number() over (
            partition by
                block_keys.source_id,
                block_keys.session_id,
                block_keys.agent_key,
                block_keys.block_uuid,
                block_keys.line_block_index
            order by block_keys.is_nested, block_keys.file_path, block_keys.offset_bytes
        ) > 1
),

kept_keys as (
    select block_keys.*
    from block_keys
    anti join repeated_blocks
        on
            block_keys.file_id = repeated_blocks.file_id
            and block_keys.offset_bytes = repeated_blocks.offset_bytes
            and block_keys.line_block_index = repeated_blocks.line_block_index
),

-- A call and its result happen once, even if a later line shows them again under another uuid.
repeated_call_keys as (
    select
        source_id,
        session_id,
        call_key
    from kept_keys
    where call_key is not null
    group by all
    having count(*) > 1
),

repeated_calls as (
    select
        kept_keys.file_id,
        kept_keys.offset_bytes,
        kept_keys.line_block_index
    from kept_keys
    semi join repeated_call_keys
        on
            kept_keys.source_id = repeated_call_keys.source_id
            and kept_keys.session_id = repeated_call_keys.session_id
            and kept_keys.call_key = repeated_call_keys.call_key
    qualify
        row_number() over (
            partition by kept_keys.source_id, kept_keys.session_id, kept_keys.call_key
            order by
                kept_keys.is_nested,
                kept_keys.logged_at nulls last,
                kept_keys.file_path,
                kept_keys.offset_bytes,
                kept_keys.line_block_index
        ) > 1
),

-- A copy of a line that was left out may hold a block that the kept line lost: it stands where that line stands.
copies as (
    select
        stg_lines.file_id,
        stg_lines.offset_bytes,
        stg_lines.source_id,
        stg_lines.session_id,
        coalesce(stg_lines.agent_id, '') as agent_key,
        stg_lines.uuid
    from stg_lines
    semi join kept_keys
        on stg_lines.file_id = kept_keys.file_id and stg_lines.offset_bytes = kept_keys.offset_bytes
    anti join int_session_lines
        on stg_lines.file_id = int_session_lines.file_id and stg_lines.offset_bytes = int_session_lines.offset_bytes
),

lines as (
    select
        file_id,
        offset_bytes,
        turn_index,
        is_inherited,
        reached_at
    from int_session_lines
    union all
    select
        copies.file_id,
        copies.offset_bytes,
        kept_lines.turn_index,
        kept_lines.is_inherited,
        kept_lines.reached_at
    from copies
    inner join int_session_lines as kept_lines
        on
            copies.source_id = kept_lines.source_id
            and copies.session_id = kept_lines.session_id
            and copies.agent_key = coalesce(kept_lines.agent_id, '')
            and copies.uuid = kept_lines.uuid
),

placed_keys as (
    select
        kept_keys.file_id,
        kept_keys.offset_bytes,
        kept_keys.line_block_index,
        row_number() over (
            partition by kept_keys.source_id, kept_keys.session_id
            order by
                coalesce(lines.reached_at, kept_keys.logged_at) nulls first,
                kept_keys.file_path,
                kept_keys.offset_bytes,
                kept_keys.line_block_index
        ) - 1 as block_index
    from kept_keys
    anti join repeated_calls
        on
            kept_keys.file_id = repeated_calls.file_id
            and kept_keys.offset_bytes = repeated_calls.offset_bytes
            and kept_keys.line_block_index = repeated_calls.line_block_index
    left join lines
        on kept_keys.file_id = lines.file_id and kept_keys.offset_bytes = lines.offset_bytes
),

distinct_calls as (
    select
        stg_block_lines.*,
        placed_keys.block_index,
        -- Conditions on one side of an outer join would keep DuckDB from hashing it.
        case when stg_block_lines.kind = 'tool_result' then stg_block_lines.tool_use_id end as answered_tool_use_id,
        case when not stg_block_lines.is_nested then stg_block_lines.file_id end as own_file_id
    from stg_block_lines
    inner join placed_keys
        on
            stg_block_lines.file_id = placed_keys.file_id
            and stg_block_lines.offset_bytes = placed_keys.offset_bytes
            and stg_block_lines.line_block_index = placed_keys.line_block_index
),

calls as (
    select
        source_id,
        session_id,
        tool_use_id,
        any_value(tool_name order by file_path, offset_bytes) as tool_name,
        any_value(path order by file_path, offset_bytes) as path
    from distinct_calls
    where
        kind = 'tool_call'
        and tool_use_id is not null
    group by all
),

inherited_responses as (
    select distinct
        file_id,
        offset_bytes
    from int_response_copies
    where session_id <> owner_session_id
),

joined as (
    select
        distinct_calls.*,
        coalesce(distinct_calls.agent_id, int_threads.agent_id) as thread_id,
        lines.turn_index,
        coalesce(lines.is_inherited, false) or inherited_responses.file_id is not null as is_inherited,
        coalesce(distinct_calls.tool_name, calls.tool_name) as called_tool_name,
        coalesce(distinct_calls.path, calls.path) as called_path
    from distinct_calls
    left join lines
        on distinct_calls.file_id = lines.file_id and distinct_calls.offset_bytes = lines.offset_bytes
    left join int_threads
        on
            distinct_calls.own_file_id = int_threads.file_id
            and distinct_calls.offset_bytes = int_threads.offset_bytes
    left join calls
        on
            distinct_calls.source_id = calls.source_id
            and distinct_calls.session_id = calls.session_id
            and distinct_calls.answered_tool_use_id = calls.tool_use_id
    left join inherited_responses
        on
            distinct_calls.file_id = inherited_responses.file_id
            and distinct_calls.offset_bytes = inherited_responses.offset_bytes
)

select
    joined.source_id,  -- shard
    joined.session_id,  -- session
    joined.block_index,  -- position in its session by time and place, from 0
    coalesce(int_agents.turn_index, joined.turn_index) as turn_index,  -- turn
    joined.file_id,  -- line it stands on
    joined.offset_bytes,  -- line it stands on
    joined.line_block_index,  -- position on that line
    joined.uuid,  -- uuid of the line
    joined.thread_id as agent_id,  -- subagent, if any
    joined.is_sidechain or joined.thread_id is not null as is_sidechain,  -- belongs to a subagent
    joined.is_inherited,  -- copied here from another session
    case when joined.role = 'assistant' then joined.message_id end as request_id,  -- response it was part of
    joined.logged_at,  -- time
    joined.role,  -- user, assistant, system or attachment
    joined.kind,  -- prompt, thinking, text, tool_call, tool_result, ...
    joined.called_tool_name as tool_name,  -- tool, on calls and results
    joined.tool_use_id,  -- joins call and result
    nullif(regexp_extract(joined.called_tool_name, '^mcp__(.+?)__', 1), '') as mcp_server,  -- server of an mcp__ tool
    joined.called_path as path,  -- file the call names, on calls and results
    joined.range_start,  -- first line, from 1
    joined.range_lines,  -- number of lines
    joined.is_error,  -- a result flagged as an error
    joined.text_bytes,  -- UTF-8 bytes
    joined.text_chars,  -- characters
    joined.image_width,  -- pixels
    joined.image_height,  -- pixels
    joined.content_hash,  -- key of contents
    joined.preview,  -- first 200 characters
    joined.signature_bytes,  -- length of a thinking block's signature
    joined.parameters_count  -- top-level parameters of a tool call
from joined
left join int_agents
    on
        joined.source_id = int_agents.source_id
        and joined.session_id = int_agents.session_id
        and joined.thread_id = int_agents.agent_id
