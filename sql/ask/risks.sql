-- risks: the risky actions, by class.
-- grain: one row per class, the most frequent first
-- key:   class
-- reads: audit_events

select
    concat(
        replace(class, '_', ' '), ': ', count(*), case when count(*) = 1 then ' action' else ' actions' end, ', ',
        count(*) filter (outcome = 'succeeded'), ' succeeded and ', count(*) filter (outcome = 'denied'),
        ' were denied; the last: ', left(max_by(command, happened_at), 120), '.'
    ) as said,  -- sentence
    max_by(source_id, happened_at) as source_id,  -- shard
    max_by(session_id, happened_at) as session_id,  -- session of the last
    max_by(block_index, happened_at) as block_index,  -- call of the last
    class,  -- class of the rule
    count(*) as events_count  -- events
from audit_events
where
    severity = 'risk'
    and happened_at >= $since_at
    and happened_at < $until_at
    and ($session_id is null or session_id = $session_id)
group by class
order by events_count desc, class
limit 9
