-- int_waste_findings: each finding once, numbered; its first claim says what and where.
-- grain: one row per finding
-- key:   finding_number
-- reads: int_waste_claims, ledger_places
-- note:  numbers follow sessions and, in them, blocks: where two findings of one label meet, the earlier wins

with first_places as (
    select
        source_id,
        session_id,
        request_id,
        min(place_index) as place_index
    from ledger_places
    group by all
),

claims as (
    select
        int_waste_claims.*,
        first_places.place_index
    from int_waste_claims
    left join first_places
        on
            int_waste_claims.source_id = first_places.source_id
            and int_waste_claims.session_id = first_places.session_id
            and int_waste_claims.request_id = first_places.request_id
),

findings as (
    select
        source_id,
        session_id,
        kind,
        finding_key,
        label,
        rank,
        min(block_index) filter (where target <> 'request' and not is_call) as block_index,
        min(block_index) filter (where is_call) as call_block_index,
        -- Of several requests the first that was made; by name where no place is known.
        arg_min(request_id, (coalesce(place_index, 9223372036854775807), request_id))
            filter (where target = 'request' and request_id is not null) as request_id,
        min(first_line) as first_line,
        max(last_line) as last_line,
        arg_min(evidence_session_id, (coalesce(block_index, -1), part_low)) filter (where not is_call) as evidence_session_id,
        arg_min(evidence_block_index, (coalesce(block_index, -1), part_low)) filter (where not is_call) as evidence_block_index,
        min(evidence_first_line) as evidence_first_line,
        max(evidence_last_line) as evidence_last_line,
        arg_min(evidence, (coalesce(block_index, -1), part_low)) filter (where not is_call) as evidence
    from claims
    group by all
)

select
    source_id,  -- shard
    session_id,  -- session
    row_number() over (
        order by source_id, session_id, block_index nulls last, request_id, rank, kind, finding_key
    ) - 1 as finding_number,  -- among all findings of the sessions being built
    kind,  -- rule
    finding_key,  -- name among the findings of its kind in its session
    label,  -- content label
    rank,  -- the lowest wins a cell
    block_index,  -- first block that is waste; null where only a request is
    call_block_index,  -- first call that is waste with it
    request_id,  -- request claimed whole; of several the first in time
    first_line,  -- first wasted line
    last_line,  -- last wasted line
    evidence_session_id,  -- the other side: session
    evidence_block_index,  -- the other side: block
    evidence_first_line,  -- the other side: first line
    evidence_last_line,  -- the other side: last line
    evidence  -- one sentence
from findings
