-- replay_waste: findings of a session at the event they concern.
-- grain: one row per finding
-- key:   finding_index
-- reads: waste, blocks
-- note:  a finding about a whole request stands at the first event of its response

with first_events as (
    select request_id, min(block_index) as block_index
    from blocks
    where source_id = $source_id and session_id = $session_id and request_id is not null and not is_inherited
    group by request_id
)

select
    waste.finding_index,  -- finding
    coalesce(waste.block_index, first_events.block_index) as event_index,  -- event; null when none stands for it
    waste.kind,  -- kind of waste
    waste.evidence,  -- one sentence
    waste.is_hint,  -- shown, never in totals
    cast(round(waste.waste_usd * 1000000000) as bigint) as nanodollars  -- 10^-9 US dollars; null without a price
from waste
left join first_events on waste.request_id = first_events.request_id
where waste.source_id = $source_id and waste.session_id = $session_id
order by event_index, waste.finding_index
