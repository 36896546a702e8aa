-- int_ledger_items: the blocks of each thread as the ledger walks them, with the line that a prompt follows.
-- grain: one row per block of a session
-- key:   source_id, session_id, block_index
-- reads: int_blocks, int_session_lines
-- note:  a prompt may follow a line without blocks; its parent is then the nearest line before that has one

with recursive block_lines_seen as (
    select distinct
        source_id,
        session_id,
        uuid
    from int_blocks
    where uuid is not null
),

line_parents as (
    select
        source_id,
        session_id,
        uuid,
        any_value(parent_uuid) as parent_uuid,
        bool_or(is_prompt) as is_prompt
    from int_session_lines
    where uuid is not null
    group by all
),

-- From each prompt upwards until a line with a block is met.
climbed as (
    select
        source_id,
        session_id,
        uuid as prompt_uuid,
        parent_uuid as at_uuid,
        1 as steps
    from line_parents
    where
        is_prompt
        and parent_uuid is not null
    union all
    select
        climbed.source_id,
        climbed.session_id,
        climbed.prompt_uuid,
        line_parents.parent_uuid as at_uuid,
        climbed.steps + 1
    from climbed
    inner join line_parents
        on
            climbed.source_id = line_parents.source_id
            and climbed.session_id = line_parents.session_id
            and climbed.at_uuid = line_parents.uuid
    anti join block_lines_seen
        on
            climbed.source_id = block_lines_seen.source_id
            and climbed.session_id = block_lines_seen.session_id
            and climbed.at_uuid = block_lines_seen.uuid
    where
        line_parents.parent_uuid is not null
        and climbed.steps < 200
),

parents as (
    select
        climbed.source_id,
        climbed.session_id,
        climbed.prompt_uuid,
        arg_min(climbed.at_uuid, climbed.steps) as parent_uuid
    from climbed
    semi join block_lines_seen
        on
            climbed.source_id = block_lines_seen.source_id
            and climbed.session_id = block_lines_seen.session_id
            and climbed.at_uuid = block_lines_seen.uuid
    group by all
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
    int_blocks.kind = 'command' and int_blocks.preview like '%/clear%' as is_clear,  -- the context begins anew here
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
        and int_blocks.uuid = parents.prompt_uuid
        and int_blocks.role = 'user'
