-- cost_by: what was billed in a period, by project, model or person, the dearest first.
-- grain: one row per group
-- key:   group_name
-- reads: daily_cost

select
    case $dimension
        when 'model' then model
        when 'project' then project
        when 'owner' then owner
    end as group_name,  -- value of the dimension
    sum(requests_count)::bigint as requests_count,  -- billed responses
    sum(uncached_input_tokens)::bigint as uncached_input_tokens,  -- tokens
    sum(cache_write_5m_tokens)::bigint as cache_write_5m_tokens,  -- tokens
    sum(cache_write_1h_tokens)::bigint as cache_write_1h_tokens,  -- tokens
    sum(cache_read_tokens)::bigint as cache_read_tokens,  -- tokens
    sum(output_tokens)::bigint as output_tokens,  -- tokens, as logged
    sum(billed_usd) as billed_usd,  -- US dollars; null when nothing is priced
    sum(estimated_usd) as estimated_usd,  -- US dollars, best estimate: with output that the log lost
    sum(unpriced_requests_count)::bigint as unpriced_requests_count,  -- responses without a price
    sum(floor_requests_count)::bigint as floor_requests_count  -- responses whose output is a lower bound
from daily_cost
where
    day_on between coalesce($since_on, date '0001-01-01') and coalesce($until_on, date '9999-12-31')
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
group by all
order by billed_usd desc nulls last, output_tokens desc, group_name
