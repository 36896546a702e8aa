-- overview: what was billed in a period, in one row.
-- grain: one row
-- key:   none
-- reads: daily_cost
-- note:  billed_usd is null when nothing in scope has a price: no price is not a price of zero

select
    min(day_on) as first_on,  -- first day with a billed response
    max(day_on) as last_on,  -- last day with a billed response
    coalesce(sum(requests_count), 0)::bigint as requests_count,  -- billed responses
    coalesce(sum(uncached_input_tokens), 0)::bigint as uncached_input_tokens,  -- tokens
    coalesce(sum(cache_write_5m_tokens), 0)::bigint as cache_write_5m_tokens,  -- tokens
    coalesce(sum(cache_write_1h_tokens), 0)::bigint as cache_write_1h_tokens,  -- tokens
    coalesce(sum(cache_read_tokens), 0)::bigint as cache_read_tokens,  -- tokens
    coalesce(sum(output_tokens), 0)::bigint as output_tokens,  -- tokens, as logged
    sum(billed_usd) as billed_usd,  -- US dollars at list price
    sum(estimated_usd) as estimated_usd,  -- US dollars, best estimate: with output that the log lost
    sum(waste_usd) as waste_usd,  -- US dollars: part of the bill that was waste, content lane
    sum(cache_excess_usd) as cache_excess_usd,  -- US dollars: part of it that missing the cache cost on top
    coalesce(sum(unpriced_requests_count), 0)::bigint as unpriced_requests_count,  -- responses without a price
    coalesce(sum(floor_requests_count), 0)::bigint as floor_requests_count  -- responses whose output is a lower bound
from daily_cost
where
    day_on between coalesce($since_on, date '0001-01-01') and coalesce($until_on, date '9999-12-31')
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
