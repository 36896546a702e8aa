-- changed: what each project cost in a period, held against the period before it.
-- grain: one row per project, the largest change first, at most $limit
-- key:   project
-- reads: requests

with periods as (
    select
        project,
        sum(billed_usd) filter (started_at >= $since_at and started_at < $until_at) as usd,
        sum(billed_usd) filter (started_at >= $before_at and started_at < $since_at) as usd_before,
        count(*) filter (started_at >= $since_at and started_at < $until_at) as requests_count,
        count(*) filter (started_at >= $before_at and started_at < $since_at) as requests_before_count,
        max_by([source_id, session_id], billed_usd) filter (started_at >= $since_at and started_at < $until_at) as dearest
    from requests
    where started_at >= $before_at and started_at < $until_at
    group by project
)

select
    concat(
        coalesce(project, 'No project'), case when coalesce(usd, 0) >= coalesce(usd_before, 0) then ' rose by ' else ' fell by ' end,
        coalesce(printf('$%.2f', (abs(coalesce(usd, 0) - coalesce(usd_before, 0)))::double), 'no known price'), ', from ', coalesce(printf('$%.2f', (coalesce(usd_before, 0))::double), 'no known price'), ' to ',
        coalesce(printf('$%.2f', (coalesce(usd, 0))::double), 'no known price'), '; responses from ', printf('%,d', requests_before_count), ' to ', printf('%,d', requests_count), '.'
    ) as said,  -- sentence
    dearest[1] as source_id,  -- shard
    dearest[2] as session_id,  -- session with the dearest response of the period
    null::bigint as block_index,  -- the session as a whole
    project,  -- project
    usd,  -- US dollars in the period
    usd_before,  -- US dollars in the one before
    requests_count,  -- responses
    requests_before_count,  -- responses before
    count(*) over () as found_count  -- projects in all
from periods
order by abs(coalesce(usd, 0) - coalesce(usd_before, 0)) desc, project
limit $limit
