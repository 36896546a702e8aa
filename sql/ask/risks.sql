-- risks: the risky actions, by class.
-- grain: one row per class, the most frequent first, at most $limit
-- key:   class
-- reads: audit_events

select
    concat(
        replace(class, '_', ' '), ': ',
        concat_ws(
            ', ',
            concat(printf('%,d', count(*)), if(count(*) = 1, ' action', ' actions')),
            nullif(printf('%,d succeeded', count(*) filter (outcome = 'succeeded')), '0 succeeded'),
            nullif(printf('%,d failed', count(*) filter (outcome = 'failed')), '0 failed'),
            nullif(printf('%,d denied', count(*) filter (outcome = 'denied')), '0 denied'),
            nullif(printf('of %,d the log does not say how it ended', count(*) filter (outcome = 'unknown')), 'of 0 the log does not say how it ended')
        ),
        '; the last: ', max_by(command, coalesce(happened_at, $since_at)), '.'
    ) as said,  -- sentence
    max_by(source_id, coalesce(happened_at, $since_at)) as source_id,  -- shard
    max_by(session_id, coalesce(happened_at, $since_at)) as session_id,  -- session of the last
    max_by(block_index, coalesce(happened_at, $since_at)) as block_index,  -- call of the last
    class,  -- class of the rule
    count(*) as events_count,  -- events
    count(*) over () as found_count  -- classes in all
from audit_events
where
    severity = 'risk'
    and coalesce(happened_at, $missing_at) >= $since_at
    and coalesce(happened_at, $missing_at) < $until_at
    and ($session_id is null or session_id = $session_id)
group by class
order by events_count desc, class
limit $limit
