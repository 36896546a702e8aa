-- int_waste_interrupted: C2, answers that a person stopped.
-- grain: one row per claim
-- key:   source_id, session_id, finding_key, target, block_index
-- reads: blocks, int_waste_requests
-- note:  the mark must follow the answer at once; where results stand in between, nothing that any line shows was cut.
--        What the stopped request was the first to hold would have come in with the next one, and keeps its label

with marked as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        block_index,
        kind,
        lag(request_id) over thread as stopped_request_id
    from blocks
    where
        file_id is not null
        and not is_inherited
    window thread as (
        partition by source_id, session_id, agent_id
        order by block_index
    )
),

stopped as (
    select
        int_waste_requests.source_id,
        int_waste_requests.session_id,
        int_waste_requests.thread_id,
        int_waste_requests.request_id,
        min(marked.block_index) as mark_block_index
    from marked
    inner join int_waste_requests
        on
            marked.source_id = int_waste_requests.source_id
            and marked.session_id = int_waste_requests.session_id
            and marked.thread_id = int_waste_requests.thread_id
            and marked.stopped_request_id = int_waste_requests.request_id
    where
        marked.kind = 'interruption'
        and int_waste_requests.is_owned
        and int_waste_requests.is_unfinished
    group by all
),

claims as (
    select
        *,
        'request' as target,
        cast(null as bigint) as block_index
    from stopped
    union all by name
    select
        stopped.*,
        'block' as target,
        blocks.block_index
    from stopped
    inner join blocks
        on
            stopped.source_id = blocks.source_id
            and stopped.session_id = blocks.session_id
            and stopped.request_id = blocks.request_id
)

select
    source_id,  -- shard
    session_id,  -- session
    'C2.interrupted' as kind,  -- rule
    request_id as finding_key,  -- the answer
    target,  -- the request, and what of its answer later prompts carried
    block_index,  -- block of the answer
    case when target = 'request' then request_id end as request_id,  -- the request
    true as keeps_new,  -- what came in with it would have come in later
    session_id as evidence_session_id,  -- session of the mark
    mark_block_index as evidence_block_index,  -- the mark
    'A person stopped this answer before it ended.' as evidence  -- why
from claims
