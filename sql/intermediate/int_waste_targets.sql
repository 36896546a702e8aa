-- int_waste_targets: what the findings claim, in terms of the ledger's slots and places.
-- grain: one row per claim and place
-- key:   finding_number, target, slot_index, place_index, part_low
-- reads: int_waste_claims, int_waste_findings, int_waste_turn_tax, int_ledger_slots, ledger_places

with claims as (
    select
        int_waste_claims.*,
        int_waste_findings.finding_number
    from int_waste_claims
    inner join int_waste_findings
        on
            int_waste_claims.source_id = int_waste_findings.source_id
            and int_waste_claims.session_id = int_waste_findings.session_id
            and int_waste_claims.kind = int_waste_findings.kind
            and int_waste_claims.finding_key = int_waste_findings.finding_key
),

first_places as (
    select
        source_id,
        session_id,
        request_id,
        min(place_index) as place_index
    from ledger_places
    group by all
),

targets as (
    select distinct
        claims.finding_number,
        claims.rank,
        claims.target,
        int_ledger_slots.slot_index,
        first_places.place_index,
        claims.part_low,
        claims.part_high,
        false as keeps_new,
        false as keeps_output
    from claims
    inner join int_ledger_slots
        on
            claims.source_id = int_ledger_slots.source_id
            and claims.session_id = int_ledger_slots.session_id
            and claims.block_index = int_ledger_slots.block_index
    left join first_places
        on
            claims.source_id = first_places.source_id
            and claims.session_id = first_places.session_id
            and claims.request_id = first_places.request_id
    where claims.target in ('block', 'output')
    union all
    select distinct
        claims.finding_number,
        claims.rank,
        'request' as target,
        cast(null as bigint) as slot_index,
        ledger_places.place_index,
        cast(0 as double) as part_low,
        cast(1 as double) as part_high,
        claims.keeps_new,
        false as keeps_output
    from claims
    inner join ledger_places
        on
            claims.source_id = ledger_places.source_id
            and claims.session_id = ledger_places.session_id
            and claims.request_id = ledger_places.request_id
    where claims.target = 'request'
    union all
    select
        int_waste_turn_tax.finding_number,
        int_waste_turn_tax.rank,
        'request' as target,
        cast(null as bigint) as slot_index,
        ledger_places.place_index,
        cast(0 as double) as part_low,
        cast(1 as double) as part_high,
        true as keeps_new,
        true as keeps_output
    from int_waste_turn_tax
    inner join ledger_places
        on
            int_waste_turn_tax.source_id = ledger_places.source_id
            and int_waste_turn_tax.session_id = ledger_places.session_id
            and int_waste_turn_tax.request_id = ledger_places.request_id
)

select
    finding_number,  -- finding
    rank,  -- the lowest wins a cell
    target,  -- block, output or request
    slot_index,  -- block claimed
    place_index,  -- request claimed, or from which on a block is; null: from its entry on
    part_low,  -- part of the block, 0 to 1
    part_high,  -- part of the block
    keeps_new,  -- blocks that the request is the first to hold keep their label
    keeps_output  -- its output keeps its label
from targets
