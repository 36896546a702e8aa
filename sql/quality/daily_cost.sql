-- daily_cost: whether the days of a source add up to its responses.
-- grain: one row per source
-- key:   source_id
-- reads: sources, requests, daily_cost
-- scope: source

with by_request as (
    select
        source_id,
        count(*) as requests_count,
        sum(billed_usd) as billed_usd
    from requests
    group by all
),

by_day as (
    select
        source_id,
        sum(requests_count) as requests_count,
        sum(billed_usd) as billed_usd
    from daily_cost
    group by all
)

select
    sources.source_id,  -- source
    coalesce(by_request.requests_count, 0) as requests_count,  -- responses
    cast(coalesce(by_day.requests_count, 0) as bigint) as daily_requests_count,  -- sum over days
    cast(
        (coalesce(by_request.billed_usd, 0) - coalesce(by_day.billed_usd, 0)) * 1000000000000 as bigint
    ) as difference_picodollars  -- bill of the responses less that of the days
from sources
left join by_request on sources.source_id = by_request.source_id
left join by_day on sources.source_id = by_day.source_id
