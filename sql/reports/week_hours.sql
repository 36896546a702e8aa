-- week_hours: when in the week the money goes, hour by hour.
-- grain: one row per weekday and hour with a response
-- key:   weekday, hour
-- reads: requests

with local as (
    select
        timezone($time_zone, started_at) as local_at,
        billed_usd,
        cache_excess_usd
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
)

select
    isodow(local_at)::integer as weekday,  -- 1 Monday to 7 Sunday
    hour(local_at)::integer as hour,  -- 0 to 23, configured time zone
    count(*) as requests_count,  -- responses
    coalesce(sum(billed_usd), 0) as billed_usd,  -- US dollars
    coalesce(sum(cache_excess_usd), 0) as cache_excess_usd  -- part of it that missing the cache cost on top
from local
where local_at is not null
group by all
order by weekday, hour
