-- waste_requests: how much of each prompt of a session was waste, and which findings began at its response.
-- grain: one row per request with waste in its prompt or a finding at it
-- key:   request_id
-- reads: request_labels, waste

with carried as (
    select
        request_id,
        sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens)::bigint as wasted_tokens
    from request_labels
    where
        source_id = $source_id
        and session_id = $session_id
        and label like 'C%'
    group by request_id
),

begun as (
    select
        request_id,
        string_agg(distinct kind, ', ' order by kind) as kinds,
        count(*) as findings_count,
        sum(waste_usd) as waste_usd
    from waste
    where
        source_id = $source_id
        and session_id = $session_id
        and not is_hint
        and request_id is not null
    group by request_id
)

select
    coalesce(carried.request_id, begun.request_id) as request_id,  -- request
    coalesce(carried.wasted_tokens, 0) as wasted_tokens,  -- prompt tokens with a label of waste
    coalesce(begun.findings_count, 0) as findings_count,  -- findings that its response began
    begun.kinds,  -- what they are; null where there is none
    begun.waste_usd  -- US dollars that they cost in all
from carried
full join begun on carried.request_id = begun.request_id
order by request_id
