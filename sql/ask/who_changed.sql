-- who_changed: who changed a file, and in which turn.
-- grain: one row per turn that changed it, the latest first
-- key:   source_id, session_id, turn_index
-- reads: blocks, sessions, turns

select
    concat(
        coalesce(sessions.owner, 'Somebody'), '''s session changed ', any_value(blocks.path), ' ', count(*),
        case when count(*) = 1 then ' time' else ' times' end, case when blocks.turn_index < 0 then ' before the first prompt' else concat(' in turn ', blocks.turn_index + 1) end, ' on ',
        strftime(min(blocks.logged_at), '%Y-%m-%d %H:%M'), ' UTC, asked: "',
        left(replace(coalesce(any_value(turns.prompt), ''), chr(10), ' '), 120), '".'
    ) as said,  -- sentence
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    min(blocks.block_index) as block_index,  -- first call that changed it
    blocks.turn_index,  -- turn
    any_value(blocks.path) as path,  -- file
    count(*) as edits_count,  -- calls that changed it
    min(blocks.logged_at) as changed_at  -- time of the first
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
left join turns
    on
        blocks.source_id = turns.source_id
        and blocks.session_id = turns.session_id
        and blocks.turn_index = turns.turn_index
where
    blocks.kind = 'tool_call'
    and blocks.tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
    and not blocks.is_inherited
    and ($text is null or contains(lower(blocks.path), lower($text)))
    and ($session_id is null or blocks.session_id = $session_id)
group by blocks.source_id, blocks.session_id, blocks.turn_index, sessions.owner
order by changed_at desc nulls last, blocks.session_id, blocks.turn_index
limit 10
