-- session_parts: what each session was billed for, divided once for each question that one may ask of a difference.
-- grain: one row per session, model, axis and part; on the axis kind the parts are the bill, on the others one lane:
--        content by label, cache by cause, premium
-- key:   source_id, session_id, model, axis, part
-- reads: requests, request_context, request_labels, cache_misses
-- note:  tokens stand beside the money so that any price list can be laid over them; missed tokens are divided among
--        kinds and classes by their place in the prompt, so that they add up to the request's, exactly

-- What was missed lies behind what was read: first in the hour's writes, then in those of five minutes, then in the tail.
with missed_requests as (
    select
        source_id,
        request_id,
        least(missed_tokens, cache_write_1h_tokens) as missed_1h_tokens,
        least(
            missed_tokens - least(missed_tokens, cache_write_1h_tokens), cache_write_5m_tokens
        ) as missed_5m_tokens,
        missed_tokens
    from requests
    where missed_tokens > 0
),

-- What each request was made of, twice: by kind of content, with every lane, and by label, in the content lane.
divided as (
    select
        source_id,
        request_id,
        'kind' as axis,
        kind as part,
        cache_read_tokens,
        cache_write_1h_tokens,
        cache_write_5m_tokens,
        uncached_tokens,
        output_tokens,
        missed_tokens,
        content_usd,
        cache_excess_usd,
        premium_usd,
        case when content_usd is not null then 0 end as fees_usd
    from request_context
    union all
    select
        source_id,
        request_id,
        'label' as axis,
        label as part,
        cache_read_tokens,
        cache_write_1h_tokens,
        cache_write_5m_tokens,
        uncached_tokens,
        output_tokens,
        missed_tokens,
        content_usd,
        null as cache_excess_usd,
        null as premium_usd,
        null as fees_usd
    from request_labels
),

missed_parts as (
    select
        divided.source_id,
        divided.request_id,
        divided.axis,
        divided.part,
        divided.missed_tokens,
        missed_requests.missed_1h_tokens as end_1h,
        missed_requests.missed_1h_tokens + missed_requests.missed_5m_tokens as end_5m,
        cast(sum(divided.missed_tokens) over (
            partition by divided.source_id, divided.request_id, divided.axis
            order by divided.part
            rows between unbounded preceding and current row
        ) as bigint) as upto
    from divided
    inner join missed_requests
        on divided.source_id = missed_requests.source_id and divided.request_id = missed_requests.request_id
    where divided.missed_tokens > 0
),

missed_classes as (
    select
        source_id,
        request_id,
        axis,
        part,
        missed_tokens,
        greatest(least(upto, end_1h) - (upto - missed_tokens), 0) as missed_1h_tokens,
        greatest(least(upto, end_5m) - greatest(upto - missed_tokens, end_1h), 0) as missed_5m_tokens
    from missed_parts
),

by_content as (
    select
        requests.source_id,
        requests.session_id,
        coalesce(requests.model, '') as model,
        divided.axis,
        divided.part,
        divided.cache_read_tokens,
        divided.cache_write_1h_tokens,
        divided.cache_write_5m_tokens,
        divided.uncached_tokens,
        divided.output_tokens,
        coalesce(missed_classes.missed_1h_tokens, 0) as missed_1h_tokens,
        coalesce(missed_classes.missed_5m_tokens, 0) as missed_5m_tokens,
        coalesce(
            missed_classes.missed_tokens - missed_classes.missed_1h_tokens - missed_classes.missed_5m_tokens, 0
        ) as missed_uncached_tokens,
        divided.content_usd,
        divided.cache_excess_usd,
        divided.premium_usd,
        divided.fees_usd
    from divided
    inner join requests on divided.source_id = requests.source_id and divided.request_id = requests.request_id
    left join missed_classes
        on
            divided.source_id = missed_classes.source_id
            and divided.request_id = missed_classes.request_id
            and divided.axis = missed_classes.axis
            and divided.part = missed_classes.part
),

by_lane as (
    select
        requests.source_id,
        requests.session_id,
        coalesce(requests.model, '') as model,
        unnest(['cache', 'premium', 'kind']) as axis,
        unnest([
            coalesce(cache_misses.label, 'K5'),
            case
                when requests.speed = 'fast' then 'P1'
                when requests.geography <> 'global' then 'P2'
                when requests.tier <> 'standard' then requests.tier
                else 'P3'
            end,
            'fees'
        ]) as part,
        unnest([coalesce(missed_requests.missed_1h_tokens, 0), 0, 0]) as missed_1h_tokens,
        unnest([coalesce(missed_requests.missed_5m_tokens, 0), 0, 0]) as missed_5m_tokens,
        unnest([
            requests.missed_tokens
            - coalesce(missed_requests.missed_1h_tokens, 0)
            - coalesce(missed_requests.missed_5m_tokens, 0), 0, 0
        ]) as missed_uncached_tokens,
        unnest([requests.cache_excess_usd, null, 0]) as cache_excess_usd,
        unnest([null, requests.premium_usd, 0]) as premium_usd,
        unnest([null, null, requests.fees_usd]) as fees_usd
    from requests
    left join cache_misses
        on requests.source_id = cache_misses.source_id and requests.request_id = cache_misses.request_id
    left join missed_requests
        on requests.source_id = missed_requests.source_id and requests.request_id = missed_requests.request_id
    where requests.missed_tokens > 0 or requests.cache_excess_usd <> 0 or requests.premium_usd <> 0 or requests.fees_usd <> 0
),

parts as (
    select * from by_content
    union all by name
    select
        *,
        0 as cache_read_tokens,
        0 as cache_write_1h_tokens,
        0 as cache_write_5m_tokens,
        0 as uncached_tokens,
        0 as output_tokens,
        case when coalesce(cache_excess_usd, premium_usd, fees_usd) is not null then 0 end as content_usd
    from by_lane
    where
        (axis = 'cache' and (missed_1h_tokens + missed_5m_tokens + missed_uncached_tokens > 0 or cache_excess_usd <> 0))
        or (axis = 'premium' and premium_usd <> 0)
        or (axis = 'kind' and fees_usd <> 0)
)

select
    source_id,  -- shard
    session_id,  -- session
    model,  -- model as logged; empty when the log names none
    axis,  -- kind, label, cache or premium
    part,  -- kind of content or fees; S, H, N, C1 to C14; K1 to K5; P1 fast, P2 geography, P3 long-context band, batch
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,  -- tokens
    cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,  -- tokens
    cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,  -- tokens
    cast(sum(uncached_tokens) as bigint) as uncached_tokens,  -- tokens
    cast(sum(output_tokens) as bigint) as output_tokens,  -- tokens, as logged
    cast(sum(missed_1h_tokens) as bigint) as missed_1h_tokens,  -- tokens of the hour's writes that should have been read
    cast(sum(missed_5m_tokens) as bigint) as missed_5m_tokens,  -- tokens of the five minutes' writes, likewise
    cast(sum(missed_uncached_tokens) as bigint) as missed_uncached_tokens,  -- tokens at the input price, likewise
    sum(content_usd) as content_usd,  -- US dollars, content lane; null when no request of the row has a price
    sum(cache_excess_usd) as cache_excess_usd,  -- US dollars, cache lane
    sum(premium_usd) as premium_usd,  -- US dollars, premium lane
    sum(fees_usd) as fees_usd  -- US dollars, fees
from parts
group by all
