-- risks: the risky actions, by class.
-- grain: one row per class, the most frequent first
-- key:   class
-- reads: audit_events

select
    concat(
        replace(class, '_', ' '), ': ', count(*), case when count(*) = 1 then ' action' else ' actions' end, ', ',
        count(*) filter (outcome = 'succeeded'), ' succeeded, ', count(*) filter (outcome = 'failed'), ' failed, ',
        count(*) filter (outcome = 'denied'), ' were denied', case when count(*) filter (outcome = 'unknown') > 0
            then concat(', of ', count(*) filter (outcome = 'unknown'), ' the log does not say how they ended') else '' end,
        '; the last: ', left(max_by(command, coalesce(happened_at, $since_at)), 120), '.'
    ) as said,  -- sentence
    max_by(source_id, coalesce(happened_at, $since_at)) as source_id,  -- shard
    max_by(session_id, coalesce(happened_at, $since_at)) as session_id,  -- session of the last
    max_by(block_index, coalesce(happened_at, $since_at)) as block_index,  -- call of the last
    class,  -- class of the rule
    count(*) as events_count  -- events
from audit_events
where
    severity = 'risk'
    and coalesce(happened_at, $missing_at) >= $since_at
    and coalesce(happened_at, $missing_at) < $until_at
    and ($session_id is null or session_id = $session_id)
group by class
order by events_count desc, class
limit 9
