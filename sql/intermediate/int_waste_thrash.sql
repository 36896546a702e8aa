-- int_waste_thrash: C14, compactions whose summary was soon thrown away, by the next compaction or the session's end.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: blocks, int_waste_requests
-- note:  claimed is what the compaction put into the prompt: its summary and what the client restored with it. The call
--        that wrote the summary is in no transcript and not in the bill as logged (see unlogged_calls). A session that a
--        fork or a resume of an old client carries on has not ended

with compactions as (
    select
        blocks.source_id,
        blocks.session_id,
        int_waste_requests.thread_id,
        blocks.block_index,
        blocks.first_request_id,
        int_waste_requests.lineage_index,
        int_waste_requests.rank
    from blocks
    inner join int_waste_requests
        on
            blocks.source_id = int_waste_requests.source_id
            and blocks.session_id = int_waste_requests.session_id
            and coalesce(blocks.agent_id, '') = int_waste_requests.thread_id
            and blocks.first_request_id = int_waste_requests.request_id
    where
        blocks.kind = 'compact_summary'
        and int_waste_requests.is_owned
),

-- What another session holds a copy of, it carries on.
copied as (
    select distinct
        source_id,
        request_id
    from int_waste_requests
    where not is_owned
),

threads as (
    select
        int_waste_requests.source_id,
        int_waste_requests.session_id,
        int_waste_requests.thread_id,
        max(int_waste_requests.rank) as last_rank,
        bool_or(copied.request_id is not null and int_waste_requests.next_request_id is null) as is_carried_on
    from int_waste_requests
    left join copied
        on int_waste_requests.source_id = copied.source_id and int_waste_requests.request_id = copied.request_id
    group by all
),

followed as (
    select
        compactions.*,
        threads.last_rank,
        threads.is_carried_on,
        lead(compactions.rank) over thread as next_rank,
        lead(compactions.block_index) over thread as next_block_index
    from compactions
    inner join threads
        on
            compactions.source_id = threads.source_id
            and compactions.session_id = threads.session_id
            and compactions.thread_id = threads.thread_id
    window thread as (
        partition by compactions.source_id, compactions.session_id, compactions.thread_id
        order by compactions.block_index
    )
),

short_lived as (
    select
        *,
        case when next_rank is not null then 'C14.thrash' else 'C14.unused' end as kind,
        next_rank - rank as requests_count
    from followed
    where
        next_rank - rank <= 10
        or (
            next_rank is null
            and last_rank - rank < 2
            and not is_carried_on
        )
),

put_in as (
    select
        short_lived.*,
        blocks.block_index as claimed_block_index
    from short_lived
    inner join blocks
        on
            short_lived.source_id = blocks.source_id
            and short_lived.session_id = blocks.session_id
            and short_lived.first_request_id = blocks.first_request_id
    where
        blocks.kind = 'compact_summary'
        or (
            blocks.kind in ('reminder', 'memory', 'listing')
            and blocks.block_index > short_lived.block_index
        )
)

select
    source_id,  -- shard
    session_id,  -- session
    kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the compaction
    'block' as target,  -- what it put in
    claimed_block_index as block_index,  -- summary, or what was restored with it
    session_id as evidence_session_id,  -- session of the next compaction
    coalesce(next_block_index, block_index) as evidence_block_index,  -- the next summary
    case
        when kind = 'C14.thrash' then concat('The context was compacted again after ', requests_count, ' requests.')
        else 'The session ended within two requests of this compaction.'
    end as evidence  -- why
from put_in
