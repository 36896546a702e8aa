-- request_labels: what each billed token of a request was: useful, overhead, unexplained, or waste of some kind.
-- grain: one row per request and content label
-- key:   source_id, request_id, label
-- reads: waste_labels, ledger_places, requests
-- note:  the rows of a request add up to its tokens, class by class, and to its content lane, exactly

with labels as (
    select
        ledger_places.source_id,
        ledger_places.request_id,
        waste_labels.label,
        cast(sum(waste_labels.cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(waste_labels.cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(waste_labels.cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(waste_labels.uncached_tokens) as bigint) as uncached_tokens,
        cast(sum(waste_labels.missed_tokens) as bigint) as missed_tokens,
        cast(sum(waste_labels.output_tokens) as bigint) as output_tokens,
        sum(waste_labels.content_picodollars) as content_picodollars
    from waste_labels
    inner join ledger_places on waste_labels.place_index = ledger_places.place_index
    where ledger_places.is_owned
    group by all
)

select
    labels.source_id,  -- shard
    requests.session_id,  -- session that paid
    labels.request_id,  -- request
    labels.label,  -- S, H, N or C1 to C14
    labels.cache_read_tokens,  -- prompt tokens, read from cache
    labels.cache_write_1h_tokens,  -- prompt tokens, written for an hour
    labels.cache_write_5m_tokens,  -- prompt tokens, written for five minutes
    labels.uncached_tokens,  -- prompt tokens at the input price
    labels.missed_tokens,  -- prompt tokens that should have been read from cache
    labels.output_tokens,  -- output tokens, as logged
    case
        when requests.billed_picodollars is not null
            then cast(labels.content_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12))
    end as content_usd  -- US dollars, content lane
from labels
inner join requests on labels.source_id = requests.source_id and labels.request_id = requests.request_id
