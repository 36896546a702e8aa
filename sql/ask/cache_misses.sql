-- cache_misses: how often the cache was missed, why, and what it cost.
-- grain: one row per cause, the dearest first, at most $limit
-- key:   label, cause
-- reads: cache_misses, requests, blocks

with spots as (
    select source_id, request_id, min(block_index) as block_index
    from blocks
    where request_id is not null and not is_inherited and file_id is not null
    group by source_id, request_id
)

select
    concat(
        printf('%,d', count(*)), if(count(*) = 1, ' response', ' responses'), ' missed the cache by ',
        case misses.label when 'K1' then 'expiry' when 'K2' then 'a changed beginning' else 'something the log does not show' end,
        ' (', misses.label, ', ', misses.cause, '): ', printf('%,d', coalesce(sum(misses.missed_tokens), 0)::bigint), if(sum(misses.missed_tokens) = 1, ' token, ', ' tokens, '), coalesce(printf('$%.2f', (sum(misses.excess_usd))::double), 'no known price'), ' on top.'
    ) as said,  -- sentence
    max_by(misses.source_id, misses.excess_usd) as source_id,  -- shard
    max_by(misses.session_id, misses.excess_usd) as session_id,  -- session of the dearest
    max_by(struct_pack(place := spots.block_index), misses.excess_usd).place as block_index,  -- response that missed
    misses.label,  -- K1 to K5
    misses.cause,  -- cause
    count(*) as misses_count,  -- responses that missed
    sum(misses.missed_tokens)::bigint as missed_tokens,  -- tokens
    sum(misses.excess_usd) as usd,  -- US dollars
    count(*) over () as found_count  -- causes in all
from cache_misses as misses
left join spots on misses.source_id = spots.source_id and misses.request_id = spots.request_id
where
    coalesce(misses.started_at, $missing_at) >= $since_at
    and coalesce(misses.started_at, $missing_at) < $until_at
    and ($session_id is null or misses.session_id = $session_id)
group by misses.label, misses.cause
order by usd desc nulls last, misses.label, misses.cause
limit $limit
