-- int_waste_retries: C1, answers that broke off, were thrown away, and whose prompt was sent again as it stood.
-- grain: one row per claim
-- key:   source_id, session_id, request_id
-- reads: blocks, int_waste_requests
-- note:  the next prompt has exactly as many tokens: nothing of the answer is in it, and nobody said anything since.
--        Attempts that left no response on any line are not in the bill as logged, and not here

with spoken as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        block_index
    from blocks
    where kind in ('prompt', 'command', 'interruption', 'compact_summary', 'tool_result')
),

repeated as (
    select
        int_waste_requests.*,
        lead(first_block_index) over (
            partition by source_id, session_id, thread_id
            order by place_index
        ) as retry_block_index
    from int_waste_requests
),

broken as (
    select *
    from repeated
    where
        is_owned
        and is_unfinished
        and first_block_index is not null
        and retry_block_index is not null
        and next_lineage_index = lineage_index
        and next_prompt_tokens = prompt_tokens
)

select
    broken.source_id,  -- shard
    broken.session_id,  -- session
    'C1.discarded' as kind,  -- rule
    broken.request_id as finding_key,  -- the attempt
    'request' as target,  -- all of it
    cast(null as bigint) as block_index,  -- no block
    broken.request_id,  -- the attempt
    broken.session_id as evidence_session_id,  -- session of the next attempt
    broken.retry_block_index as evidence_block_index,  -- what the next attempt began with
    'The answer broke off and the same prompt was sent again: its tokens are equal, the answer is not in it.' as evidence  -- why
from broken
anti join spoken
    on
        broken.source_id = spoken.source_id
        and broken.session_id = spoken.session_id
        and broken.thread_id = spoken.thread_id
        and spoken.block_index > broken.first_block_index
        and spoken.block_index < broken.retry_block_index
