-- failures: what failed last.
-- grain: one row per failed result, the latest first, at most $limit
-- key:   source_id, session_id, block_index
-- reads: blocks, sessions

with calls as (
    select source_id, session_id, tool_use_id, any_value(preview) as preview
    from blocks
    where kind = 'tool_call' and tool_use_id is not null
    group by source_id, session_id, tool_use_id
)

select
    concat(
        coalesce(blocks.tool_name, 'A tool'), coalesce(' on ' || blocks.path, ' (' || nullif(if(length(calls.preview) > 80, left(calls.preview, 79) || '…', calls.preview), '') || ')', ''), ' failed on ',
        strftime(blocks.logged_at, '%Y-%m-%d %H:%M'), ' UTC in "', coalesce(sessions.title, blocks.session_id), '".'
    ) as said,  -- sentence
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    blocks.block_index,  -- failed result
    blocks.tool_name,  -- tool
    blocks.path,  -- file
    blocks.preview,  -- how it begins
    blocks.logged_at,  -- time
    count(*) over () as found_count  -- failures in all
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
left join calls
    on
        blocks.source_id = calls.source_id
        and blocks.session_id = calls.session_id
        and blocks.tool_use_id = calls.tool_use_id
where
    blocks.is_error
    and not blocks.is_inherited
    and blocks.file_id is not null
    and coalesce(blocks.logged_at, $missing_at) >= $since_at
    and coalesce(blocks.logged_at, $missing_at) < $until_at
    and ($session_id is null or blocks.session_id = $session_id)
order by blocks.logged_at desc nulls last, blocks.session_id, blocks.block_index
limit $limit
