-- why_turn: why a turn cost what it did: its bill by price class, and what missing the cache added.
-- grain: one row per part of the bill, the dearest first, at most $limit
-- key:   part
-- reads: requests, blocks, turns, prices
-- note:  sub-calls of other models and special tiers are priced at the response's own price, so that parts may miss the total

with chosen as (
    select requests.*, prices.cache_read_picodollars, prices.cache_write_5m_picodollars, prices.cache_write_1h_picodollars,
        prices.input_picodollars, prices.output_picodollars
    from requests
    left join (select distinct on (price_id) * from prices) as prices on requests.price_id = prices.price_id
    where requests.source_id = $source_id and requests.session_id = $session_id and requests.turn_index = $turn_index
),

parts as (
    select 'reading again what was in the cache' as part, sum(cache_read_tokens) as tokens,
        sum(cache_read_tokens * cache_read_picodollars) as picodollars
    from chosen
    union all
    select 'writing to the cache', sum(cache_write_5m_tokens + cache_write_1h_tokens),
        sum(cache_write_5m_tokens * cache_write_5m_picodollars + cache_write_1h_tokens * cache_write_1h_picodollars)
    from chosen
    union all
    select 'sending what was not cached', sum(uncached_input_tokens), sum(uncached_input_tokens * input_picodollars)
    from chosen
    union all
    select if(bool_or(is_output_floor), 'writing answers, at least', 'writing answers'), sum(output_tokens),
        sum(output_tokens * output_picodollars)
    from chosen
),

place as (
    select min(block_index) as block_index
    from blocks
    where source_id = $source_id and session_id = $session_id and turn_index = $turn_index and file_id is not null
),

total as (
    select count(*) as requests_count, sum(billed_usd) as billed_usd, sum(cache_excess_usd) as cache_excess_usd,
        max(prompt_tokens) as prompt_tokens, sum(missed_tokens) as missed_tokens,
        if(
            sum(billed_usd) is not null and bool_or(is_output_floor or billed_usd is null), ' cost at least ', ' cost '
        ) as cost_words
    from chosen
),

sentences as (
    select
        0 as place_in_answer,
        concat(
            case when $turn_index < 0 then 'What came before the first prompt' else concat('Turn ', $turn_index + 1) end, cost_words, coalesce(printf('$%.2f', (billed_usd)::double), 'no known price'), ' in ',
            printf('%,d', requests_count), if(requests_count = 1, ' response', ' responses'), '; the longest prompt had ',
            printf('%,d', coalesce(prompt_tokens, 0)::bigint), if(prompt_tokens = 1, ' token.', ' tokens.')
        ) as said,
        'all' as part,
        prompt_tokens as tokens,
        billed_usd::double as usd
    from total
    where requests_count > 0
    union all
    select
        row_number() over (order by picodollars desc nulls last),
        concat(
            printf('%,d', coalesce(tokens, 0)::bigint), if(tokens = 1, ' token', ' tokens'), ' went into ', part,
            case when picodollars is null then '; no price is known.'
                else concat(': ', coalesce(printf('$%.2f', (picodollars / 1e12)::double), 'no known price'), '.') end
        ),
        part,
        tokens::bigint,
        picodollars / 1e12
    from parts
    where tokens > 0
    union all
    select
        9,
        concat(printf('%,d', missed_tokens::bigint), if(missed_tokens = 1, ' token', ' tokens'), ' should have been read from the cache and had to be sent again: ', coalesce(printf('$%.2f', (cache_excess_usd)::double), 'no known price'), ' on top.'),
        'missing the cache',
        missed_tokens::bigint,
        cache_excess_usd::double
    from total
    where missed_tokens > 0
)

select
    sentences.said,  -- sentence
    $source_id as source_id,  -- shard
    $session_id as session_id,  -- session
    place.block_index,  -- where the turn begins
    sentences.part,  -- part of the bill
    sentences.tokens,  -- tokens
    sentences.usd,  -- US dollars
    count(*) over () as found_count  -- parts in all
from sentences
cross join place
order by sentences.place_in_answer
limit $limit
