-- session_parts_add_up: the parts of a session are its bill, and those of one lane are that lane, to the picodollar.
-- table: session_parts
-- severity: critical
-- reads: session_comparison, session_parts
-- remedy: this is a fault of the session_parts model; nothing was published. Please report it.

with sums as (
    select
        source_id,
        session_id,
        sum(content_usd) filter (where axis = 'kind') as content_usd,
        sum(content_usd) filter (where axis = 'label') as labelled_usd,
        sum(cache_excess_usd) filter (where axis = 'kind') as cache_excess_usd,
        sum(premium_usd) filter (where axis = 'kind') as premium_usd,
        sum(fees_usd) filter (where axis = 'kind') as fees_usd,
        sum(cache_excess_usd) filter (where axis = 'cache') as missed_usd,
        sum(premium_usd) filter (where axis = 'premium') as surcharge_usd,
        sum(
            cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens + output_tokens
        ) filter (where axis = 'kind') as total_tokens,
        sum(
            cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens + output_tokens
        ) filter (where axis = 'label') as labelled_tokens,
        sum(missed_1h_tokens + missed_5m_tokens + missed_uncached_tokens)
            filter (where axis = 'kind') as missed_tokens,
        sum(missed_1h_tokens + missed_5m_tokens + missed_uncached_tokens)
            filter (where axis = 'label') as labelled_missed_tokens
    from session_parts
    group by all
)

select concat('session ', session_comparison.session_id) as failing
from session_comparison
left join sums
    on session_comparison.source_id = sums.source_id and session_comparison.session_id = sums.session_id
where
    sums.content_usd + sums.cache_excess_usd + sums.premium_usd + coalesce(sums.fees_usd, 0)
    is distinct from session_comparison.billed_usd
    or sums.labelled_usd is distinct from session_comparison.content_usd
    or sums.cache_excess_usd is distinct from session_comparison.cache_excess_usd
    or coalesce(sums.missed_usd, 0) <> coalesce(session_comparison.cache_excess_usd, 0)
    or coalesce(sums.surcharge_usd, 0) <> coalesce(session_comparison.premium_usd, 0)
    or coalesce(sums.total_tokens, 0) <> session_comparison.total_tokens
    or coalesce(sums.labelled_tokens, 0) <> session_comparison.total_tokens
    or coalesce(sums.missed_tokens, 0) <> session_comparison.missed_tokens
    or coalesce(sums.labelled_missed_tokens, 0) <> session_comparison.missed_tokens
