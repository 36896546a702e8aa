-- most_read_file: the files that were read most often.
-- grain: one row per file, the most often read first, at most $limit
-- key:   project, path
-- reads: blocks, sessions

select
    concat(
        blocks.path, ' was read ', printf('%,d', count(*)), if(count(*) = 1, ' time in ', ' times in '),
        printf('%,d', count(distinct (blocks.source_id, blocks.session_id))),
        if(count(distinct (blocks.source_id, blocks.session_id)) = 1, ' session of ', ' sessions of '),
        coalesce(sessions.project, 'no project'), '.'
    ) as said,  -- sentence
    min_by(blocks.source_id, blocks.logged_at) as source_id,  -- shard
    min_by(blocks.session_id, blocks.logged_at) as session_id,  -- session that read it first
    min_by(blocks.block_index, blocks.logged_at) as block_index,  -- call that read it first
    sessions.project,  -- project
    blocks.path,  -- file
    count(*) as reads_count,  -- calls of Read
    count(*) over () as found_count  -- files in all
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
where
    blocks.kind = 'tool_call'
    and blocks.tool_name = 'Read'
    and not blocks.is_inherited
    and blocks.path is not null
    and coalesce(blocks.logged_at, $missing_at) >= $since_at
    and coalesce(blocks.logged_at, $missing_at) < $until_at
    and ($session_id is null or blocks.session_id = $session_id)
group by sessions.project, blocks.path
order by reads_count desc, blocks.path
limit $limit
