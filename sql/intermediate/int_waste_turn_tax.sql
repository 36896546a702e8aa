-- int_waste_turn_tax: requests that only consume wasted calls: the turn itself was needless.
-- grain: one row per taxed request
-- key:   source_id, session_id, request_id
-- reads: blocks, int_waste_claims, int_waste_findings, ledger_places
-- note:  a request that also brings in what a person said would have been made anyway

with calls as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        request_id,
        block_index
    from blocks
    where
        kind = 'tool_call'
        and request_id is not null
),

wasted_calls as (
    select
        int_waste_claims.source_id,
        int_waste_claims.session_id,
        int_waste_claims.block_index,
        min(int_waste_findings.rank) as rank,
        arg_min(int_waste_findings.finding_number, (int_waste_findings.rank, int_waste_findings.finding_number))
            as finding_number
    from int_waste_claims
    inner join int_waste_findings
        on
            int_waste_claims.source_id = int_waste_findings.source_id
            and int_waste_claims.session_id = int_waste_findings.session_id
            and int_waste_claims.kind = int_waste_findings.kind
            and int_waste_claims.finding_key = int_waste_findings.finding_key
    where
        int_waste_claims.is_call
        and int_waste_claims.target = 'output'
    group by all
),

-- The label of the turn is the last in the order among its calls: only then is every call wasted by it or a higher one.
wasted_requests as (
    select
        calls.source_id,
        calls.session_id,
        calls.thread_id,
        calls.request_id,
        max(wasted_calls.rank) as rank,
        arg_min(wasted_calls.finding_number, (-wasted_calls.rank, wasted_calls.finding_number)) as finding_number
    from calls
    left join wasted_calls
        on
            calls.source_id = wasted_calls.source_id
            and calls.session_id = wasted_calls.session_id
            and calls.block_index = wasted_calls.block_index
    group by all
    having count(*) = count(wasted_calls.block_index)
),

consumers as (
    select
        source_id,
        session_id,
        thread_id,
        request_id,
        lineage_index,
        lead(request_id) over thread as next_request_id,
        lead(lineage_index) over thread as next_lineage_index,
        lead(is_owned) over thread as is_next_owned
    from ledger_places
    window thread as (
        partition by source_id, session_id, thread_id
        order by place_index
    )
),

prompted as (
    select distinct
        source_id,
        session_id,
        first_request_id as request_id
    from blocks
    where
        kind in ('prompt', 'command', 'compact_summary')
        and first_request_id is not null
)

select
    wasted_requests.source_id,  -- shard
    wasted_requests.session_id,  -- session
    consumers.next_request_id as request_id,  -- request that would not have been made
    min(wasted_requests.rank) as rank,  -- label's place in the order
    arg_min(wasted_requests.finding_number, wasted_requests.rank) as finding_number  -- finding that bears it
from wasted_requests
inner join consumers
    on
        wasted_requests.source_id = consumers.source_id
        and wasted_requests.session_id = consumers.session_id
        and wasted_requests.thread_id = consumers.thread_id
        and wasted_requests.request_id = consumers.request_id
anti join prompted
    on
        wasted_requests.source_id = prompted.source_id
        and wasted_requests.session_id = prompted.session_id
        and consumers.next_request_id = prompted.request_id
where
    consumers.next_request_id <> consumers.request_id
    and consumers.lineage_index = consumers.next_lineage_index
    and consumers.is_next_owned
group by all
