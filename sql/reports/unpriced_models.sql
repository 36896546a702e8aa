-- unpriced_models: models without a price; their tokens count, their cost is unknown.
-- grain: one row per model
-- key:   model
-- reads: requests

select
    model,  -- as logged
    count(*) as requests_count,  -- responses without a price
    min(started_at) as first_at,  -- first of them
    max(started_at) as last_at,  -- last of them
    sum(uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens)::bigint
        as input_tokens,  -- all input classes
    sum(output_tokens)::bigint as output_tokens  -- as logged
from requests
where billed_picodollars is null
group by model
order by requests_count desc, model
