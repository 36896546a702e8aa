-- replay_contexts: what each prompt of a session was made of, and what each kind of content cost in it.
-- grain: one row per request and kind of content
-- key:   request_id, kind
-- reads: request_context

select
    request_id,  -- request
    kind,  -- kind of content
    cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens as tokens,  -- of the prompt
    cast(
        round((content_usd + cache_excess_usd + premium_usd) * 1000000000) as bigint
    ) as nanodollars  -- 10^-9 US dollars, output included; null without a price
from request_context
where source_id = $source_id and session_id = $session_id
order by request_id, kind
