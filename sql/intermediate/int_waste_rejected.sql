-- int_waste_rejected: C2, calls that a person turned down.
-- grain: one row per claim
-- key:   source_id, session_id, finding_key, target, block_index
-- reads: int_waste_results, int_waste_requests, blocks
-- note:  told by the client's own words at the beginning of an error. Plans and questions are left out: to say no to
--        them is part of the talk. Where each call of a response was turned down, the request served nothing else

with rejected as (
    select *
    from int_waste_results
    where
        is_error
        and (
            starts_with(preview, 'The user doesn''t want to proceed with this tool use')
            or starts_with(preview, 'The user doesn''t want to take this action right now')
        )
        and tool_name not in ('ExitPlanMode', 'exit_plan_mode', 'EnterPlanMode', 'AskUserQuestion')
),

answers as (
    select
        rejected.source_id,
        rejected.session_id,
        rejected.thread_id,
        rejected.request_id,
        min(rejected.block_index) as first_result_index,
        count(*) = any_value(int_waste_requests.calls_count) as is_all
    from rejected
    inner join int_waste_requests
        on
            rejected.source_id = int_waste_requests.source_id
            and rejected.session_id = int_waste_requests.session_id
            and rejected.thread_id = int_waste_requests.thread_id
            and rejected.request_id = int_waste_requests.request_id
    where int_waste_requests.is_owned
    group by all
),

claims as (
    select
        rejected.source_id,
        rejected.session_id,
        rejected.request_id,
        'block' as target,
        unnest([rejected.block_index, rejected.call_block_index]) as block_index
    from rejected
    union all by name
    select
        source_id,
        session_id,
        request_id,
        'output' as target,
        call_block_index as block_index
    from rejected
    union all by name
    select
        source_id,
        session_id,
        request_id,
        'request' as target,
        cast(null as bigint) as block_index
    from answers
    where is_all
    union all by name
    select
        answers.source_id,
        answers.session_id,
        answers.request_id,
        'block' as target,
        blocks.block_index
    from answers
    inner join blocks
        on
            answers.source_id = blocks.source_id
            and answers.session_id = blocks.session_id
            and answers.request_id = blocks.request_id
    where
        answers.is_all
        and blocks.kind in ('text', 'thinking')
)

select
    claims.source_id,  -- shard
    claims.session_id,  -- session
    'C2.rejected' as kind,  -- rule
    claims.request_id as finding_key,  -- the response that proposed it
    claims.target,  -- calls and the words that came back; the request, where it served nothing else
    claims.block_index,  -- call, result, or what was said beside it
    case when claims.target = 'request' then claims.request_id end as request_id,  -- the request
    true as keeps_new,  -- what came in with it would have come in later
    claims.session_id as evidence_session_id,  -- session of the refusal
    answers.first_result_index as evidence_block_index,  -- the refusal
    'A person turned this down before it was done.' as evidence  -- why
from claims
inner join answers
    on
        claims.source_id = answers.source_id
        and claims.session_id = answers.session_id
        and claims.request_id = answers.request_id
