-- replay_parents: which line each line of the main thread follows, and the events that stand on it.
-- grain: one row per line of the main thread that has a uuid
-- key:   uuid
-- reads: lines, blocks
-- note:  asked only of sessions in which somebody went back, to find where to

with events as (
    select
        uuid,
        min(block_index) as first_index,
        max(block_index) as last_index
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and file_id is not null
        and uuid is not null
    group by uuid
)

select
    lines.uuid,  -- line
    any_value(coalesce(lines.parent_uuid, lines.logical_parent_uuid)) as parent_uuid,  -- line it follows
    any_value(events.first_index) as first_index,  -- first event on it; null when it shows none
    any_value(events.last_index) as last_index  -- last event on it
from lines
left join events on lines.uuid = events.uuid
where
    lines.source_id = $source_id
    and lines.session_id = $session_id
    and lines.agent_id is null
    and lines.uuid is not null
group by lines.uuid
