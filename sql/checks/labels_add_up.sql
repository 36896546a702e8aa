-- labels_add_up: the content labels of a request are its tokens, class by class, and its content lane.
-- table: request_labels
-- severity: critical
-- reads: requests, request_labels
-- remedy: this is a fault of the accounting of waste; nothing was published. Please report it.

with by_request as (
    select
        source_id,
        request_id,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(cache_write_1h_tokens) as cache_write_1h_tokens,
        sum(cache_write_5m_tokens) as cache_write_5m_tokens,
        sum(uncached_tokens) as uncached_input_tokens,
        sum(missed_tokens) as missed_tokens,
        sum(output_tokens) as output_tokens,
        sum(content_usd) as content_usd,
        min(
            least(cache_read_tokens, cache_write_1h_tokens, cache_write_5m_tokens, uncached_tokens, output_tokens)
        ) as least_tokens
    from request_labels
    group by all
)

select concat('request ', requests.request_id) as failing
from requests
left join by_request on requests.source_id = by_request.source_id and requests.request_id = by_request.request_id
where
    requests.cache_read_tokens <> coalesce(by_request.cache_read_tokens, 0)
    or requests.cache_write_1h_tokens <> coalesce(by_request.cache_write_1h_tokens, 0)
    or requests.cache_write_5m_tokens <> coalesce(by_request.cache_write_5m_tokens, 0)
    or requests.uncached_input_tokens <> coalesce(by_request.uncached_input_tokens, 0)
    or requests.output_tokens <> coalesce(by_request.output_tokens, 0)
    or by_request.least_tokens < 0
    or requests.content_usd is distinct from
    case when requests.content_usd is not null then coalesce(by_request.content_usd, 0) end
