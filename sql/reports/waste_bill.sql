-- waste_bill: the bill of a period by useful, overhead, waste and misses by label, premium, fees and what is unexplained.
-- grain: one row per part that is not zero; the parts add up to the bill
-- key:   label
-- reads: requests, request_labels, cache_misses

with chosen as (
    select
        source_id,
        request_id,
        billed_usd,
        cache_excess_usd,
        premium_usd,
        fees_usd
    from requests
    where
        billed_usd is not null
        and     ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
),

content as (
    select
        request_labels.label,
        sum(request_labels.content_usd) as usd,
        sum(
            request_labels.cache_read_tokens
            + request_labels.cache_write_1h_tokens
            + request_labels.cache_write_5m_tokens
            + request_labels.uncached_tokens
            + request_labels.output_tokens
        )::bigint as tokens
    from request_labels
    inner join chosen using (source_id, request_id)
    group by request_labels.label
),

missed as (
    select
        coalesce(cache_misses.label, 'K5') as label,
        sum(chosen.cache_excess_usd) as usd,
        coalesce(sum(cache_misses.missed_tokens), 0)::bigint as tokens
    from chosen
    left join cache_misses using (source_id, request_id)
    where chosen.cache_excess_usd <> 0
    group by all
),

parts as (
    select * from content
    union all
    select * from missed
    union all
    select
        'P' as label,
        sum(premium_usd) as usd,
        null as tokens
    from chosen
    union all
    select
        'fees' as label,
        sum(fees_usd) as usd,
        null as tokens
    from chosen
)

select
    label,  -- S useful, H overhead, C1 to C14 waste, K1 to K5 cache misses, P premium, fees, N unexplained
    case left(label, 1) when 'S' then 0 when 'H' then 1 when 'C' then 2 when 'K' then 3 when 'P' then 4 when 'f' then 5 else 6 end
        as place,  -- order of a waterfall
    usd,  -- US dollars
    tokens  -- billed tokens; for misses, those that should have been read; null where none are
from parts
where usd <> 0
order by place, try_cast(substr(label, 2) as integer), label
