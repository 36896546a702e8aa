-- who_changed: who changed a file, and in which turn.
-- grain: one row per file and turn that changed it, the latest first, at most $limit
-- key:   source_id, session_id, turn_index, path
-- reads: blocks, sessions, turns

with asked as (
    select
        source_id,
        session_id,
        turn_index,
        trim(regexp_replace(
            regexp_replace(prompt, '<command-message>.*?</command-message>|</?[a-z-]+>', ' ', 'gs'), '\s+', ' ', 'g'
        )) as prompt
    from turns
)

select
    concat(
        coalesce(sessions.owner, 'Somebody'), '''s session changed ', blocks.path, ' ', printf('%,d', count(*)),
        if(count(*) = 1, ' time', ' times'), case when blocks.turn_index < 0 then ' before the first prompt' else concat(' in turn ', blocks.turn_index + 1) end, ' on ',
        strftime(min(blocks.logged_at), '%Y-%m-%d %H:%M'), ' UTC',
        coalesce(
            ', asked: "'
            || nullif(any_value(if(length(asked.prompt) > 120, left(asked.prompt, 119) || '…', asked.prompt)), '')
            || '"', ''
        ), '.'
    ) as said,  -- sentence
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    min(blocks.block_index) as block_index,  -- first call that changed it
    blocks.turn_index,  -- turn
    blocks.path,  -- file
    count(*) as edits_count,  -- calls that changed it
    min(blocks.logged_at) as changed_at,  -- time of the first
    count(*) over () as found_count  -- files and turns in all
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
left join asked
    on
        blocks.source_id = asked.source_id
        and blocks.session_id = asked.session_id
        and blocks.turn_index = asked.turn_index
where
    blocks.kind = 'tool_call'
    and blocks.tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
    and not blocks.is_inherited
    and ($text is null or contains(lower(blocks.path), lower($text)))
    and coalesce(blocks.logged_at, $missing_at) >= $since_at
    and coalesce(blocks.logged_at, $missing_at) < $until_at
    and ($session_id is null or blocks.session_id = $session_id)
group by blocks.source_id, blocks.session_id, blocks.turn_index, blocks.path, sessions.owner
order by changed_at desc nulls last, blocks.session_id, blocks.turn_index, blocks.path
limit $limit
