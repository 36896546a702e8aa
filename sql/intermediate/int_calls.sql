-- int_calls: every sub-call of every billed response, with the price it was billed at.
-- grain: one row per sub-call; nearly every response is a single one
-- key:   source_id, request_id, call_index
-- reads: int_responses, prices
-- note:  sub-calls (advisor, compaction, fallback) are billed each for itself, each at its own model

with sub_calls as (
    select
        source_id,
        request_id,
        unnest(cast(iterations as json[])) as call,
        generate_subscripts(cast(iterations as json[]), 1) as call_index
    from int_responses
    where iterations is not null
),

-- Eight digits: what is larger was not counted, and is refused at the top level too.
counted_sub_calls as (
    select
        source_id,
        request_id,
        call_index,
        call ->> 'model' as model,
        coalesce(call ->> 'type', 'message') as call_type,
        greatest(coalesce(cast(try_cast(call ->> 'input_tokens' as decimal(8, 0)) as bigint), 0), 0) as uncached_input_tokens,
        greatest(
            coalesce(
                cast(try_cast(call ->> '$.cache_creation.ephemeral_5m_input_tokens' as decimal(8, 0)) as bigint),
                case
                    when call ->> '$.cache_creation.ephemeral_1h_input_tokens' is null
                        then cast(try_cast(call ->> 'cache_creation_input_tokens' as decimal(8, 0)) as bigint)
                end,
                0
            ),
            0
        ) as cache_write_5m_tokens,
        greatest(
            coalesce(cast(try_cast(call ->> '$.cache_creation.ephemeral_1h_input_tokens' as decimal(8, 0)) as bigint), 0), 0
        ) as cache_write_1h_tokens,
        greatest(coalesce(cast(try_cast(call ->> 'cache_read_input_tokens' as decimal(8, 0)) as bigint), 0), 0) as cache_read_tokens,
        greatest(coalesce(cast(try_cast(call ->> 'output_tokens' as decimal(8, 0)) as bigint), 0), 0) as output_tokens
    from sub_calls
),

calls as (
    select
        source_id,
        request_id,
        1 as call_index,
        'message' as call_type,
        model,
        started_at,
        coalesce(special_tier, 'standard') as tier,
        coalesce(special_speed, 'standard') as speed,
        coalesce(special_geography, 'global') as geography,
        uncached_input_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        cache_read_tokens,
        output_tokens,
        web_search_count
    from int_responses
    where iterations is null
    union all
    select
        counted_sub_calls.source_id,
        counted_sub_calls.request_id,
        counted_sub_calls.call_index,
        counted_sub_calls.call_type,
        coalesce(counted_sub_calls.model, int_responses.model) as model,
        int_responses.started_at,
        coalesce(int_responses.special_tier, 'standard') as tier,
        coalesce(int_responses.special_speed, 'standard') as speed,
        coalesce(int_responses.special_geography, 'global') as geography,
        counted_sub_calls.uncached_input_tokens,
        counted_sub_calls.cache_write_5m_tokens,
        counted_sub_calls.cache_write_1h_tokens,
        counted_sub_calls.cache_read_tokens,
        counted_sub_calls.output_tokens,
        case when counted_sub_calls.call_index = 1 then int_responses.web_search_count else 0 end as web_search_count
    from counted_sub_calls
    inner join int_responses
        on
            counted_sub_calls.source_id = int_responses.source_id
            and counted_sub_calls.request_id = int_responses.request_id
),

-- The whole call is billed in the band that its prompt falls into.
call_prices as (
    select
        calls.*,
        calls.uncached_input_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
        + calls.cache_read_tokens as prompt_tokens,
        prices.price_id,
        prices.canonical_model,
        prices.input_picodollars,
        prices.cache_write_5m_picodollars,
        prices.cache_write_1h_picodollars,
        prices.cache_read_picodollars,
        prices.output_picodollars,
        prices.web_search_picodollars,
        prices.standard_input_picodollars,
        prices.standard_cache_write_5m_picodollars,
        prices.standard_cache_write_1h_picodollars,
        prices.standard_cache_read_picodollars,
        prices.standard_output_picodollars
    from calls
    left join prices
        on
            calls.model = prices.model
            and calls.tier = prices.tier
            and calls.speed = prices.speed
            and calls.geography = prices.geography
            and calls.started_at >= prices.valid_from
            -- Plain comparisons of the two sides: anything else would compare every call with every price.
            and calls.started_at < coalesce(prices.valid_to, timestamptz 'infinity')
            and calls.uncached_input_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
            + calls.cache_read_tokens
            > case when prices.prompt_above_tokens = 0 then -1 else prices.prompt_above_tokens end
    qualify
        row_number() over (
            partition by calls.source_id, calls.request_id, calls.call_index
            order by prices.prompt_above_tokens desc nulls last, prices.valid_from desc
        ) = 1
)

select
    source_id,  -- shard
    request_id,  -- response
    call_index,  -- position among its sub-calls, from 1
    call_type,  -- message, or advisor_message, fallback_message, compaction
    model,  -- model of this sub-call
    canonical_model,  -- the model's own name; null when unknown
    started_at,  -- time of the response
    speed,  -- standard or fast
    geography,  -- global or us
    tier,  -- standard or batch
    uncached_input_tokens,  -- tokens at the input price
    cache_write_5m_tokens,  -- tokens written to cache for five minutes
    cache_write_1h_tokens,  -- tokens written to cache for an hour
    cache_read_tokens,  -- tokens read from cache
    output_tokens,  -- tokens, largest figure logged
    prompt_tokens,  -- tokens of its prompt
    web_search_count,  -- billed searches
    input_picodollars,  -- price per token; null when unpriced
    cache_write_5m_picodollars,  -- price per token
    cache_write_1h_picodollars,  -- price per token
    cache_read_picodollars,  -- price per token
    output_picodollars,  -- price per token
    web_search_picodollars,  -- price per search
    standard_input_picodollars,  -- price per token without speed, geography and band
    standard_cache_write_5m_picodollars,  -- price per token, likewise
    standard_cache_write_1h_picodollars,  -- price per token, likewise
    standard_cache_read_picodollars,  -- price per token, likewise
    standard_output_picodollars,  -- price per token, likewise
    price_id,  -- row of prices
    -- A class that was not used needs no price; one that was used and has none leaves the call unpriced.
    case when uncached_input_tokens = 0 then 0 else uncached_input_tokens * input_picodollars end
    + case when cache_write_5m_tokens = 0 then 0 else cache_write_5m_tokens * cache_write_5m_picodollars end
    + case when cache_write_1h_tokens = 0 then 0 else cache_write_1h_tokens * cache_write_1h_picodollars end
    + case when cache_read_tokens = 0 then 0 else cache_read_tokens * cache_read_picodollars end
    + case when output_tokens = 0 then 0 else output_tokens * output_picodollars end
    + case when web_search_count = 0 then 0 else web_search_count * web_search_picodollars end
        as billed_picodollars  -- exact; null when unpriced
from call_prices
