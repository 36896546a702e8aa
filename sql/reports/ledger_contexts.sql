-- ledger_contexts: what the prompts of a thread were made of.
-- grain: one row per request and kind of content
-- key:   request_id, kind
-- reads: request_context, requests

select
    request_context.request_id,  -- request
    request_context.kind,  -- kind of content
    request_context.cache_read_tokens + request_context.cache_write_1h_tokens + request_context.cache_write_5m_tokens
    + request_context.uncached_tokens as tokens,  -- tokens of the prompt
    request_context.missed_tokens,  -- of these, tokens that should have been read from cache
    request_context.content_usd + request_context.cache_excess_usd + request_context.premium_usd
        as usd  -- US dollars, output included; null without a price
from request_context
inner join requests
    on request_context.source_id = requests.source_id and request_context.request_id = requests.request_id
where
    request_context.source_id = $source_id
    and request_context.session_id = $session_id
    and requests.session_id = $session_id
    and coalesce(requests.agent_id, '') = $thread_id
order by requests.request_index, request_context.request_id, request_context.kind
