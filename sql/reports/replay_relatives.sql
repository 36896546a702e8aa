-- replay_relatives: sessions that went on from this one, and where they left it.
-- grain: one row per session that holds a copy of this one's history
-- key:   session_id
-- reads: sessions, blocks

with children as (
    select session_id, title
    from sessions
    where source_id = $source_id and forked_from_session_id = $session_id
),

own_lines as (
    select uuid, max(block_index) as block_index
    from blocks
    where source_id = $source_id and session_id = $session_id and uuid is not null
    group by uuid
)

select
    children.session_id,  -- session that went on
    any_value(children.title) as title,  -- its title
    max(own_lines.block_index) as last_event_index  -- last event of this session that it holds; null when none is known
from children
left join blocks
    on children.session_id = blocks.session_id and blocks.source_id = $source_id and blocks.is_inherited
left join own_lines on blocks.uuid = own_lines.uuid
group by children.session_id
order by children.session_id
