-- bill: what a scope holds, to measure advice by.
-- grain: one row
-- key:   none
-- reads: requests

select
    count(distinct (source_id, session_id)) as sessions_count,  -- sessions with a billed response
    coalesce(sum(billed_usd), 0) as billed_usd,  -- US dollars
    min(started_at) as first_at,  -- first response
    max(started_at) as last_at  -- last response
from requests
where
    true
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
