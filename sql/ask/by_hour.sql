-- by_hour: at which hours of the day most is spent.
-- grain: one row per hour, the dearest first, at most $limit
-- key:   hour
-- reads: requests

select
    concat('Between ', hour, ':00 and ', hour + 1, ':00, ', coalesce(printf('$%.2f', (sum(billed_usd))::double), 'no known price'), ' was spent in ', printf('%,d', count(*)), if(count(*) = 1, ' response.', ' responses.')) as said,  -- sentence
    max_by(source_id, billed_usd) as source_id,  -- shard
    max_by(session_id, billed_usd) as session_id,  -- session of the dearest response
    null::bigint as block_index,  -- the session as a whole
    hour,  -- hour of the day
    sum(billed_usd) as usd,  -- US dollars
    count(*) as requests_count,  -- responses
    count(*) over () as found_count  -- hours in all
from (
    select *, hour(timezone($time_zone, started_at)) as hour
    from requests
    where
        started_at >= $since_at
        and started_at < $until_at
        and ($session_id is null or session_id = $session_id)
) as timed
group by hour
order by usd desc nulls last, hour
limit $limit
