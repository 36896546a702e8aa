-- ledger_misses: what missing the cache cost on top in a period, by cause.
-- grain: one row per label, cause and confidence
-- key:   label, cause, confidence
-- reads: cache_misses

select
    label,  -- K1 to K5
    cause,  -- what exactly
    confidence,  -- how sure the label is
    count(*) as misses_count,  -- responses that missed
    sum(missed_tokens)::bigint as missed_tokens,  -- tokens that should have been read
    sum(excess_usd) as excess_usd  -- US dollars on top; null when nothing is priced
from cache_misses
where
    ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
group by all
order by excess_usd desc nulls last, label, cause, confidence
