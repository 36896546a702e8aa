-- dearest_person: what each person spent.
-- grain: one row per person, the dearest first, at most $limit
-- key:   owner
-- reads: requests

select
    concat(
        coalesce(owner, 'No person'), ' spent ', coalesce(printf('$%.2f', (sum(billed_usd))::double), 'no known price'), ' (',
        coalesce(printf('%.0f %%', 100.0 * sum(billed_usd)::double / nullif(sum(sum(billed_usd)) over (), 0)::double), 'share unknown'),
        ') in ', printf('%,d', count(*)), if(count(*) = 1, ' response.', ' responses.')
    ) as said,  -- sentence
    max_by(source_id, billed_usd) as source_id,  -- shard
    max_by(session_id, billed_usd) as session_id,  -- session of the dearest response
    null::bigint as block_index,  -- the session as a whole
    owner,  -- person
    sum(billed_usd) as usd,  -- US dollars
    count(*) as requests_count,  -- responses
    count(*) over () as found_count  -- people in all
from requests
where
    coalesce(started_at, $missing_at) >= $since_at
    and coalesce(started_at, $missing_at) < $until_at
    and ($session_id is null or session_id = $session_id)
group by owner
order by usd desc nulls last, owner
limit $limit
