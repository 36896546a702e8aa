-- movers: what each project, person or model was billed in a period and in the one before it, by lane.
-- grain: one row per group
-- key:   group_name
-- reads: requests

with chosen as (
    select
        case $dimension when 'project' then project when 'owner' then owner else model end as group_name,
        started_at >= $since_at::timestamptz as is_now,
        source_id,
        session_id,
        billed_usd,
        content_usd,
        cache_excess_usd,
        premium_usd,
        fees_usd,
        output_tokens,
        prompt_tokens
    from requests
    where
        billed_usd is not null
        and started_at >= $before_at::timestamptz
        and started_at < $until_at::timestamptz
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
)

select
    coalesce(group_name, 'unknown') as group_name,  -- project, person or model
    count(distinct (source_id, session_id)) filter (is_now) as sessions_now,  -- sessions billed in the period
    count(distinct (source_id, session_id)) filter (not is_now) as sessions_before,  -- in the one before
    coalesce(sum(content_usd) filter (is_now), 0) as content_now_usd,  -- content lane
    coalesce(sum(content_usd) filter (not is_now), 0) as content_before_usd,  -- content lane
    coalesce(sum(cache_excess_usd) filter (is_now), 0) as cache_now_usd,  -- cache lane
    coalesce(sum(cache_excess_usd) filter (not is_now), 0) as cache_before_usd,  -- cache lane
    coalesce(sum(premium_usd + fees_usd) filter (is_now), 0) as premium_now_usd,  -- premium lane and fees
    coalesce(sum(premium_usd + fees_usd) filter (not is_now), 0) as premium_before_usd  -- premium lane and fees
from chosen
group by all
order by group_name
