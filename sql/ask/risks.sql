-- risks: the risky actions, by class.
-- grain: one row per class, the most frequent first, at most $limit
-- key:   class
-- reads: audit_events

with risky as (
    -- What cites the last event has to come from one row: an aggregate of each column would skip its nulls.
    select
        class,
        outcome,
        first_value(struct_pack(source_id, session_id, block_index, command)) over (
            partition by class order by happened_at desc nulls last, event_index desc
        ) as last_event
    from audit_events
    where
        severity = 'risk'
        and coalesce(happened_at, $missing_at) >= $since_at
        and coalesce(happened_at, $missing_at) < $until_at
        and ($session_id is null or session_id = $session_id)
)

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
        '; the last: ', any_value(last_event.command), '.'
    ) as said,  -- sentence
    any_value(last_event.source_id) as source_id,  -- shard
    any_value(last_event.session_id) as session_id,  -- session of the last
    any_value(last_event.block_index) as block_index,  -- call of the last; null where a line holds no call
    class,  -- class of the rule
    count(*) as events_count,  -- events
    count(*) over () as found_count  -- classes in all
from risky
group by class
order by events_count desc, class
limit $limit
