-- dearest_turn: the turns of a period that cost most, and what of it weighed most.
-- grain: one row per turn, the dearest first, at most $limit
-- key:   source_id, session_id, turn_index
-- reads: turns, sessions, blocks

with spots as (
    select source_id, session_id, turn_index, min(block_index) as block_index
    from blocks
    where file_id is not null
    group by source_id, session_id, turn_index
),

dear as (
    select
        turns.*,
        sessions.project,
        sessions.title,
        turns.cache_read_tokens + turns.cache_write_5m_tokens + turns.cache_write_1h_tokens
        + turns.uncached_input_tokens as sent_tokens,
        count(*) over () as found_count
    from turns
    inner join sessions on turns.source_id = sessions.source_id and turns.session_id = sessions.session_id
    where
        not turns.is_inherited
        and coalesce(turns.started_at, $missing_at) >= $since_at
        and coalesce(turns.started_at, $missing_at) < $until_at
        and ($session_id is null or turns.session_id = $session_id)
    order by turns.incurred_usd desc nulls last, turns.started_at
    limit $limit
)

select
    concat(
        case when dear.turn_index < 0 then 'What came before the first prompt' else concat('Turn ', dear.turn_index + 1) end, ' of "', coalesce(dear.title, dear.session_id), '" cost ', coalesce(printf('$%.2f', (dear.incurred_usd)::double), 'no known price'), ': ',
        printf('%,d', dear.requests_count), if(dear.requests_count = 1, ' response', ' responses'), ' sent ',
        printf('%,d', coalesce(dear.sent_tokens, 0)::bigint), if(dear.sent_tokens = 1, ' token, of which ', ' tokens, of which '),
        printf('%,d', coalesce(dear.resent_tokens, 0)::bigint), ' had been sent before',
        case
            when dear.cache_excess_usd > 0 then concat('; missing the cache cost ', coalesce(printf('$%.2f', (dear.cache_excess_usd)::double), 'no known price'), ' of it')
            else ''
        end,
        '.'
    ) as said,  -- sentence
    dear.source_id,  -- shard
    dear.session_id,  -- session
    spots.block_index,  -- where the turn begins
    dear.turn_index,  -- turn
    dear.incurred_usd,  -- US dollars
    dear.requests_count,  -- responses
    dear.sent_tokens::bigint as sent_tokens,  -- tokens sent
    dear.resent_tokens,  -- of these sent before
    dear.cache_excess_usd,  -- US dollars for missing the cache
    dear.found_count  -- turns in all
from dear
left join spots
    on
        dear.source_id = spots.source_id
        and dear.session_id = spots.session_id
        and dear.turn_index = spots.turn_index
order by dear.incurred_usd desc nulls last, dear.started_at
