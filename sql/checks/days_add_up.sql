-- days_add_up: the responses and the bill of a source are the sums over its days.
-- table: daily_cost
-- severity: critical
-- reads: daily_cost, requests
-- scope: source
-- remedy: this is a fault of the daily_cost model; nothing was published. Please report it.

with by_day as (
    select
        coalesce(sum(requests_count), 0) as requests_count,
        sum(billed_usd) as usd
    from daily_cost
),

by_request as (
    select
        count(*) as requests_count,
        sum(billed_usd) as usd
    from requests
)

select
    concat(by_request.requests_count, ' responses, ', by_day.requests_count, ' on their days') as failing
from by_day, by_request
where
    by_day.requests_count <> by_request.requests_count
    or by_day.usd is distinct from by_request.usd
