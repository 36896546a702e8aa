-- dearest_file: the files that cost most over their whole stay in contexts.
-- grain: one row per file, the dearest first, at most $limit
-- key:   project, path
-- reads: file_cost, blocks, sessions

with files as (
    select
        file_cost.project,
        file_cost.path,
        sum(file_cost.lifetime_usd) as usd,
        sum(file_cost.reads_count)::bigint as reads_count,
        sum(file_cost.edits_count)::bigint as edits_count,
        count(*) as sessions_count,
        max_by([file_cost.source_id, file_cost.session_id], file_cost.lifetime_usd) as dearest,
        count(*) over () as found_count
    from file_cost
    inner join sessions on file_cost.source_id = sessions.source_id and file_cost.session_id = sessions.session_id
    where
        coalesce(sessions.ended_at, $missing_at) >= $since_at
        and coalesce(sessions.started_at, $missing_at) < $until_at
        and ($session_id is null or file_cost.session_id = $session_id)
    group by file_cost.project, file_cost.path
    order by usd desc nulls last, file_cost.path
    limit $limit
),

spots as (
    select blocks.source_id, blocks.session_id, blocks.path, min(blocks.block_index) as block_index
    from blocks
    where blocks.file_id is not null and blocks.path in (select files.path from files)
    group by blocks.source_id, blocks.session_id, blocks.path
)

select
    concat(
        files.path, ' cost ', coalesce(printf('$%.2f', (files.usd)::double), 'no known price'), ': read ', printf('%,d', files.reads_count),
        if(files.reads_count = 1, ' time', ' times'), ' and edited ', printf('%,d', files.edits_count),
        if(files.edits_count = 1, ' time in ', ' times in '), printf('%,d', files.sessions_count),
        if(files.sessions_count = 1, ' session.', ' sessions.')
    ) as said,  -- sentence
    spots.source_id,  -- shard
    spots.session_id,  -- session where it cost most
    spots.block_index,  -- where it is named first there
    files.project,  -- project
    files.path,  -- file
    files.usd,  -- US dollars
    files.reads_count,  -- calls of Read
    files.edits_count,  -- calls that edited it
    files.found_count  -- files in all
from files
left join spots
    on
        files.dearest[1] = spots.source_id
        and files.dearest[2] = spots.session_id
        and files.path = spots.path
order by files.usd desc nulls last, files.path
