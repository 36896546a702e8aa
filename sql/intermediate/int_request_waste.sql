-- int_request_waste: what of each request was waste, all labels together.
-- grain: one row per request that holds waste
-- key:   source_id, request_id
-- reads: request_labels, requests

select
    request_labels.source_id,  -- shard
    request_labels.request_id,  -- request
    any_value(requests.session_id) as session_id,  -- session that paid
    any_value(requests.turn_index) as turn_index,  -- turn it was billed in
    any_value(requests.agent_id) as agent_id,  -- subagent that made it
    cast(
        sum(
            request_labels.cache_read_tokens + request_labels.cache_write_1h_tokens
            + request_labels.cache_write_5m_tokens + request_labels.uncached_tokens + request_labels.output_tokens
        ) as bigint
    ) as waste_tokens,  -- tokens, prompt and output
    sum(request_labels.content_usd) as waste_usd  -- US dollars, content lane; null when unpriced
from request_labels
inner join requests
    on request_labels.source_id = requests.source_id and request_labels.request_id = requests.request_id
where request_labels.label like 'C%'
group by all
