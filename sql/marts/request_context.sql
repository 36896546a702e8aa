-- request_context: what each kind of content took of each request.
-- grain: one row per request and kind of content in it
-- key:   source_id, request_id, kind
-- reads: ledger_context, requests
-- note:  per request the tokens add up to prompt and output, the lanes to the bill without fees

with kinds as (
    select
        source_id,
        request_id,
        kind,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(uncached_tokens) as bigint) as uncached_tokens,
        cast(sum(missed_tokens) as bigint) as missed_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        sum(content_picodollars) + sum(output_picodollars) as content_picodollars,
        sum(cache_picodollars) as cache_picodollars,
        sum(premium_picodollars) + sum(output_premium_picodollars) as premium_picodollars
    from ledger_context
    group by all
)

select
    kinds.source_id,  -- shard
    requests.session_id,  -- session that paid
    kinds.request_id,  -- request
    kinds.kind,  -- kind of content
    kinds.cache_read_tokens,  -- prompt tokens, read from cache
    kinds.cache_write_1h_tokens,  -- prompt tokens, written for an hour
    kinds.cache_write_5m_tokens,  -- prompt tokens, written for five minutes
    kinds.uncached_tokens,  -- prompt tokens at the input price
    kinds.missed_tokens,  -- prompt tokens that should have been read from cache
    kinds.output_tokens,  -- output tokens, as logged
    case
        when requests.billed_picodollars is not null
            then cast(kinds.content_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12))
    end as content_usd,  -- US dollars, content lane
    case
        when requests.billed_picodollars is not null
            then cast(kinds.cache_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12))
    end as cache_excess_usd,  -- US dollars, cache lane
    case
        when requests.billed_picodollars is not null
            then cast(kinds.premium_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12))
    end as premium_usd  -- US dollars, premium lane
from kinds
inner join requests on kinds.source_id = requests.source_id and kinds.request_id = requests.request_id
