-- contexts_add_up: the kinds of content of a request are its tokens and, with fees, its bill.
-- table: request_context
-- severity: critical
-- reads: requests, request_context
-- remedy: this is a fault of the ledger; nothing was published. Please report it.

with by_kind as (
    select
        source_id,
        request_id,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(uncached_tokens) as uncached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(content_usd + cache_excess_usd + premium_usd) as usd
    from request_context
    group by all
)

select concat('request ', requests.request_id) as failing
from requests
left join by_kind on requests.source_id = by_kind.source_id and requests.request_id = by_kind.request_id
where
    requests.cache_read_tokens <> coalesce(by_kind.cache_read_tokens, 0)
    or requests.cache_write_1h_tokens <> coalesce(by_kind.cache_write_1h_tokens, 0)
    or requests.cache_write_5m_tokens <> coalesce(by_kind.cache_write_5m_tokens, 0)
    or requests.uncached_input_tokens <> coalesce(by_kind.uncached_input_tokens, 0)
    or requests.output_tokens <> coalesce(by_kind.output_tokens, 0)
    or requests.billed_usd - requests.fees_usd is distinct from
    case when requests.billed_usd is not null then coalesce(by_kind.usd, 0) end
