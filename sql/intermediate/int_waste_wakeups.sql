-- int_waste_wakeups: C3, answers to a notice of the client that did nothing.
-- grain: one row per claim
-- key:   source_id, session_id, finding_key, target, block_index
-- reads: blocks, int_waste_requests
-- note:  the notice alone came in since the answer before, no tool was called, and little was said. What the model
--        thought is not judged

with notices as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        first_request_id as request_id,
        min(block_index) as notice_block_index
    from blocks
    where
        kind = 'reminder'
        and role = 'user'
        and first_request_id is not null
        and regexp_matches(preview, '^<(task-notification|tick|wakeup|scheduled-task|loop)')
    group by all
),

-- What else was new in those prompts: a person's words or a result would be a reason of their own.
others as (
    select distinct
        source_id,
        session_id,
        first_request_id as request_id
    from blocks
    where kind in ('prompt', 'command', 'tool_result', 'compact_summary', 'interruption', 'image', 'document')
),

answers as (
    select
        notices.*,
        int_waste_requests.first_block_index
    from notices
    inner join int_waste_requests
        on
            notices.source_id = int_waste_requests.source_id
            and notices.session_id = int_waste_requests.session_id
            and notices.thread_id = int_waste_requests.thread_id
            and notices.request_id = int_waste_requests.request_id
    anti join others
        on
            notices.source_id = others.source_id
            and notices.session_id = others.session_id
            and notices.request_id = others.request_id
    where
        int_waste_requests.is_owned
        and int_waste_requests.calls_count = 0
        and int_waste_requests.text_bytes <= 200
        and int_waste_requests.first_block_index is not null
),

claims as (
    select
        *,
        'request' as target,
        cast(null as bigint) as block_index
    from answers
    union all by name
    select
        answers.*,
        'block' as target,
        blocks.block_index
    from answers
    inner join blocks
        on
            answers.source_id = blocks.source_id
            and answers.session_id = blocks.session_id
            and answers.request_id = blocks.request_id
    union all by name
    select
        answers.*,
        'block' as target,
        blocks.block_index
    from answers
    inner join blocks
        on
            answers.source_id = blocks.source_id
            and answers.session_id = blocks.session_id
            and answers.request_id = blocks.first_request_id
    where
        blocks.kind = 'reminder'
        and blocks.role = 'user'
)

select
    source_id,  -- shard
    session_id,  -- session
    'C3.noop' as kind,  -- rule
    request_id as finding_key,  -- the answer
    target,  -- the request, the notice, and what of the answer later prompts carried
    block_index,  -- notice or answer
    case when target = 'request' then request_id end as request_id,  -- the request
    true as keeps_new,  -- the answer before stands in it for the first time
    session_id as evidence_session_id,  -- session of the notice
    notice_block_index as evidence_block_index,  -- the notice
    'The client woke the model, which called no tool and said next to nothing.' as evidence  -- why
from claims
