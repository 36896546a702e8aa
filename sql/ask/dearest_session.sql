-- dearest_session: the sessions that cost most.
-- grain: one row per session, the dearest first, at most $limit
-- key:   source_id, session_id
-- reads: requests, sessions

select
    concat(
        '"', coalesce(any_value(sessions.title), requests.session_id), '" of ', coalesce(any_value(sessions.project), 'no project'),
        ' cost ', coalesce(printf('$%.2f', (sum(requests.billed_usd))::double), 'no known price'), ' in ',
        printf('%,d', count(*)), if(count(*) = 1, ' response.', ' responses.')
    ) as said,  -- sentence
    requests.source_id,  -- shard
    requests.session_id,  -- session
    null::bigint as block_index,  -- the session as a whole
    sum(requests.billed_usd) as usd,  -- US dollars
    count(*) as requests_count,  -- responses
    count(*) over () as found_count  -- sessions in all
from requests
inner join sessions on requests.source_id = sessions.source_id and requests.session_id = sessions.session_id
where coalesce(requests.started_at, $missing_at) >= $since_at and coalesce(requests.started_at, $missing_at) < $until_at
group by requests.source_id, requests.session_id
order by usd desc nulls last, requests.session_id
limit $limit
