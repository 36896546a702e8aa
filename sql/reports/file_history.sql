-- file_history: what a conversation read and wrote of the file that a block is about, before that block.
-- grain: one row per read, edit or write
-- key:   block_index
-- reads: blocks, contents
-- note:  calls that failed are left out; in the order of the conversation

with asked as (
    select
        source_id,
        session_id,
        agent_id,
        path,
        block_index
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and block_index = $block_index
),

failed as (
    select tool_use_id
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and kind = 'tool_result'
        and is_error
        and tool_use_id is not null
)

select
    blocks.block_index,  -- position in its session
    blocks.kind,  -- call or result
    blocks.tool_name,  -- tool
    blocks.path,  -- file
    contents.text  -- call or result, redacted
from blocks
inner join asked
    on
        blocks.source_id = asked.source_id
        and blocks.session_id = asked.session_id
        and blocks.agent_id is not distinct from asked.agent_id
        and blocks.path = asked.path
inner join contents
    on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
anti join failed on blocks.tool_use_id = failed.tool_use_id
where
    blocks.block_index < asked.block_index
    and blocks.kind in ('tool_call', 'tool_result')
order by blocks.block_index
