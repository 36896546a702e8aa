-- int_waste_tools: C10, schemas of tools that stood in each prompt of a conversation and were never called in it.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: blocks
-- note:  only where the log shows what was sent (2.1.270 on). Less a stub of 12 tokens, which a tool costs that is only
--        named. The client's own tools for files, shell and subagents are left out: a session that did not need them
--        could not know

with schemas as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        block_index,
        label,
        size_tokens
    from blocks
    where
        kind = 'tool_schema'
        and size_tokens > 12
        and label not in (
            'Agent', 'Task', 'Bash', 'Edit', 'Glob', 'Grep', 'LS', 'MultiEdit', 'Read', 'Skill', 'ToolSearch', 'Write'
        )
),

called as (
    select distinct
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        tool_name as label
    from blocks
    where kind = 'tool_call'
)

select
    schemas.source_id,  -- shard
    schemas.session_id,  -- session
    'C10.tool' as kind,  -- rule
    concat(schemas.thread_id, ':', schemas.label) as finding_key,  -- the tool
    'block' as target,  -- its schema
    schemas.block_index,  -- its schema
    12 / schemas.size_tokens as part_low,  -- less a stub
    cast(1 as double) as part_high,  -- the rest of it
    concat('The tool ', schemas.label, ' stood in the prompts of this conversation and was never called in it.') as evidence  -- why
from schemas
anti join called
    on
        schemas.source_id = called.source_id
        and schemas.session_id = called.session_id
        and schemas.thread_id = called.thread_id
        and schemas.label = called.label
