-- int_blocks: what stands in each session, block by block.
-- grain: one row per content block of a session, whatever number of lines repeat it
-- key:   source_id, session_id, block_index
-- reads: stg_block_lines, int_session_lines, int_threads, int_agents, int_response_copies
-- note:  progress lines of the parent repeat what subagents wrote; the copy in the agent's own file is kept

-- A line without a uuid is known by its bytes: its copies in other files were left out with their line.
with distinct_blocks as (
    select stg_block_lines.*
    from stg_block_lines
    left join int_session_lines
        on
            stg_block_lines.file_id = int_session_lines.file_id
            and stg_block_lines.offset_bytes = int_session_lines.offset_bytes
    where
        stg_block_lines.uuid is not null
        or int_session_lines.file_id is not null
    qualify
        row_number() over (
            partition by
                stg_block_lines.source_id,
                stg_block_lines.session_id,
                stg_block_lines.agent_id,
                coalesce(stg_block_lines.uuid, concat(stg_block_lines.file_id, ':', stg_block_lines.offset_bytes)),
                stg_block_lines.line_block_index
            order by stg_block_lines.is_nested, stg_block_lines.file_path, stg_block_lines.offset_bytes
        ) = 1
),

-- A call and its result happen once, even if a later line shows them again under another uuid.
distinct_calls as (
    select
        *,
        -- Conditions on one side of an outer join would keep DuckDB from hashing it.
        case when kind = 'tool_result' then tool_use_id end as answered_tool_use_id,
        case when not is_nested then file_id end as own_file_id
    from distinct_blocks
    qualify
        tool_use_id is null
        or kind not in ('tool_call', 'tool_result')
        or row_number() over (
            partition by source_id, session_id, kind, tool_use_id
            order by is_nested, logged_at nulls last, file_path, offset_bytes, line_block_index
        ) = 1
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

-- The line that was kept may be a copy of the one the block was read from: they share the uuid.
lines as (
    select
        file_id,
        offset_bytes,
        reached_at,
        turn_index,
        is_inherited
    from int_session_lines
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
        lines.reached_at,
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
    row_number() over (
        partition by joined.source_id, joined.session_id
        order by
            coalesce(joined.reached_at, joined.logged_at) nulls first,
            joined.file_path,
            joined.offset_bytes,
            joined.line_block_index
    ) - 1 as block_index,  -- position in its session by time and place, from 0
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
