-- int_ledger_items: the blocks of each thread as the ledger walks them, with the line that a prompt follows.
-- grain: one row per block of a session
-- key:   source_id, session_id, block_index
-- reads: int_blocks, int_session_lines
-- note:  a prompt may follow a line without blocks; its parent is then the nearest line before that has one

with recursive lines_with_blocks as (
    select distinct
        source_id,
        session_id,
        uuid
    from int_blocks
    where uuid is not null
),

prompts as (
    select
        source_id,
        session_id,
        uuid,
        parent_uuid
    from int_session_lines
    where
        is_prompt
        and uuid is not null
        and parent_uuid is not null
),

direct as (
    select prompts.*
    from prompts
    semi join lines_with_blocks
        on
            prompts.source_id = lines_with_blocks.source_id
            and prompts.session_id = lines_with_blocks.session_id
            and prompts.parent_uuid = lines_with_blocks.uuid
),

indirect as (
    select *
    from prompts
    anti join direct using (source_id, session_id, uuid)
),

-- Only lines without blocks are climbed, and only in sessions where a prompt follows one.
bare_lines as materialized (
    select
        source_id,
        session_id,
        uuid,
        parent_uuid
    from int_session_lines
    semi join indirect using (source_id, session_id)
    anti join lines_with_blocks using (source_id, session_id, uuid)
    where
        uuid is not null
        and parent_uuid is not null
),

climbed as (
    select
        source_id,
        session_id,
        uuid as prompt_uuid,
        parent_uuid as at_uuid,
        1 as steps
    from indirect
    union all
    select
        climbed.source_id,
        climbed.session_id,
        climbed.prompt_uuid,
        bare_lines.parent_uuid as at_uuid,
        climbed.steps + 1
    from climbed
    inner join bare_lines
        on
            climbed.source_id = bare_lines.source_id
            and climbed.session_id = bare_lines.session_id
            and climbed.at_uuid = bare_lines.uuid
    where climbed.steps < 200
),

reached as (
    select
        climbed.source_id,
        climbed.session_id,
        climbed.prompt_uuid,
        arg_min(climbed.at_uuid, climbed.steps) as parent_uuid
    from climbed
    semi join lines_with_blocks
        on
            climbed.source_id = lines_with_blocks.source_id
            and climbed.session_id = lines_with_blocks.session_id
            and climbed.at_uuid = lines_with_blocks.uuid
    group by all
),

parents as (
    select
        source_id,
        session_id,
        uuid as prompt_uuid,
        parent_uuid
    from direct
    union all
    select *
    from reached
)

select
    int_blocks.source_id,  -- shard
    int_blocks.session_id,  -- session
    coalesce(int_blocks.agent_id, '') as thread_id,  -- subagent; empty on the main thread
    int_blocks.block_index,  -- position in its session
    int_blocks.line_block_index,  -- position on its line
    int_blocks.turn_index,  -- turn
    int_blocks.uuid,  -- line
    parents.parent_uuid,  -- for prompts: nearest line before that carries a block
    parents.prompt_uuid is not null as is_prompt,  -- a person's prompt that follows another line
    int_blocks.kind = 'command' and regexp_matches(int_blocks.preview, '<command-name>/?clear</command-name>')
        as is_clear,  -- the context begins anew here
    int_blocks.kind = 'command' and regexp_matches(int_blocks.preview, '<command-name>/?compact</command-name>')
        as is_compact,  -- a compaction was asked for; clients before 1.0.100 log nothing else of it
    int_blocks.request_id,  -- response it was part of
    epoch(int_blocks.logged_at) as logged_seconds,  -- time, seconds since 1970
    int_blocks.kind,  -- kind
    int_blocks.tool_name,  -- tool, on calls and results
    int_blocks.path,  -- file the call names
    coalesce(int_blocks.text_bytes, 0) as text_bytes,  -- UTF-8 bytes
    coalesce(int_blocks.signature_bytes, 0) as signature_bytes,  -- length of a thinking block's signature
    coalesce(int_blocks.parameters_count, 0) as parameters_count,  -- top-level parameters of a call
    int_blocks.image_width,  -- pixels
    int_blocks.image_height  -- pixels
from int_blocks
left join parents
    on
        int_blocks.source_id = parents.source_id
        and int_blocks.session_id = parents.session_id
        -- As a condition of its own the role would keep DuckDB from hashing the join.
        and case when int_blocks.role = 'user' then int_blocks.uuid end = parents.prompt_uuid
