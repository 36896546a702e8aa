-- comparison_series: what is watched of every session, in the order of time.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: session_comparison

select
    source_id,
    session_id,
    owner,
    project,
    model,
    client_version,
    instructions_hash,
    started_at,
    static_tokens,
    cache_hit_ratio,
    estimated_per_turn_usd,
    cast(estimated_low_usd as double) / nullif(answered_turns_count, 0) as estimated_low_per_turn_usd,
    cast(estimated_high_usd as double) / nullif(answered_turns_count, 0) as estimated_high_per_turn_usd,
    waste_estimated_ratio,
    waste_low_ratio,
    waste_high_ratio
from session_comparison
where started_at is not null
order by source_id, started_at, session_id
