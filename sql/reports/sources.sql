-- sources: whose logs are in the lake, and how much of them.
-- grain: one row per source
-- key:   source_id
-- reads: sources, source_files, sessions

with files as (
    select
        source_id,
        count(*) as files_count,
        sum(size_bytes)::bigint as size_bytes,
        max(last_read_at) as last_read_at
    from source_files
    where is_current and status not in ('unsupported', 'empty')
    group by source_id
),

totals as (
    select source_id, count(*) as sessions_count, sum(billed_usd) as billed_usd, sum(estimated_usd) as estimated_usd
    from sessions
    group by source_id
)

select
    sources.source_id,  -- owner@host
    sources.owner,  -- person
    sources.host,  -- machine
    sources.path,  -- where they were last read from
    coalesce(files.files_count, 0) as files_count,  -- log files
    coalesce(files.size_bytes, 0) as size_bytes,  -- bytes on disk
    coalesce(totals.sessions_count, 0) as sessions_count,  -- sessions
    totals.billed_usd,  -- US dollars; null when nothing is priced
    totals.estimated_usd,  -- US dollars, best estimate: with output that the log lost
    files.last_read_at,  -- when bytes were last read
    sources.first_seen_at,  -- first run
    sources.last_seen_at  -- last run
from sources
left join files on sources.source_id = files.source_id
left join totals on sources.source_id = totals.source_id
order by sources.source_id
