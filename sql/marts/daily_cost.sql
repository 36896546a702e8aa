-- daily_cost: what was used and billed each day, by project and model.
-- grain: one row per day, project and model of a source
-- key:   source_id, day_on, project, model
-- reads: requests, request_labels
-- scope: source
-- note:  days are those of the configured time zone (variable time_zone), with its summer time

with wasted as (
    select
        source_id,
        request_id,
        sum(content_usd) as waste_usd
    from request_labels
    where label like 'C%'
    group by all
)

select
    requests.source_id,  -- shard
    cast(timezone(getvariable('time_zone'), started_at) as date) as day_on,  -- day in the configured time zone
    any_value(owner) as owner,  -- person
    coalesce(project, '') as project,  -- project; empty when unknown
    coalesce(model, '') as model,  -- model as logged; empty when the log names none
    count(*) as requests_count,  -- billed responses
    count(distinct session_id) as sessions_count,  -- sessions with a billed response that day
    cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,  -- tokens
    cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,  -- tokens
    cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,  -- tokens
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,  -- tokens
    cast(sum(output_tokens) as bigint) as output_tokens,  -- tokens, as logged
    sum(billed_usd) as billed_usd,  -- US dollars over priced requests; null when none is priced
    sum(estimated_usd) as estimated_usd,  -- US dollars, best estimate
    sum(cache_excess_usd) as cache_excess_usd,  -- US dollars that missing the cache cost on top
    case when sum(requests.content_usd) is not null then coalesce(sum(wasted.waste_usd), 0) end as waste_usd,  -- US dollars, content lane
    count(*) filter (where billed_usd is null) as unpriced_requests_count,  -- requests whose model has no price
    count(*) filter (where is_output_floor) as floor_requests_count  -- requests whose output is a lower bound
from requests
left join wasted on requests.source_id = wasted.source_id and requests.request_id = wasted.request_id
group by all
