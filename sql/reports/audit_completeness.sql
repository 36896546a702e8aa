-- audit_completeness: what is known to be missing from the log of each session.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: sessions, lines, source_files, unlogged_calls
-- note:  a line names the line before it; where that one is nowhere in the lake, something was cut or never written

with current_lines as (
    select lines.source_id, lines.session_id, lines.uuid, lines.parent_uuid, lines.file_id
    from lines
    inner join source_files on lines.source_id = source_files.source_id and lines.file_id = source_files.file_id
    where source_files.is_current
),

scope_lines as (
    select *
    from current_lines
    where $session_ids::varchar[] is null or list_contains($session_ids::varchar[], session_id)
),

orphans as (
    select source_id, session_id, count(distinct parent_uuid) as missing_lines_count
    from scope_lines
    anti join current_lines as named
        on scope_lines.source_id = named.source_id and scope_lines.parent_uuid = named.uuid
    where parent_uuid is not null
    group by source_id, session_id
),

files as (
    select
        scope_lines.source_id,
        scope_lines.session_id,
        count(distinct scope_lines.file_id) as files_count,
        count(distinct scope_lines.file_id) filter (source_files.status = 'gone') as gone_files_count
    from scope_lines
    inner join source_files
        on scope_lines.source_id = source_files.source_id and scope_lines.file_id = source_files.file_id
    group by scope_lines.source_id, scope_lines.session_id
),

refused as (
    select
        scope_lines.source_id,
        scope_lines.session_id,
        sum(source_files.refused_count) as refused_count
    from (select distinct source_id, session_id, file_id from scope_lines) as scope_lines
    inner join source_files
        on scope_lines.source_id = source_files.source_id and scope_lines.file_id = source_files.file_id
    group by scope_lines.source_id, scope_lines.session_id
),

unlogged as (
    select source_id, session_id, count(*) as unlogged_calls_count
    from unlogged_calls
    group by source_id, session_id
)

select
    sessions.source_id,  -- shard
    sessions.session_id,  -- session
    sessions.title,  -- title
    sessions.project,  -- project
    sessions.owner,  -- person
    sessions.started_at,  -- first own line
    sessions.lines_count,  -- lines
    files.files_count::bigint as files_count,  -- files that hold them
    files.gone_files_count::bigint as gone_files_count,  -- of these no longer on disk
    coalesce(refused.refused_count, 0)::bigint as refused_count,  -- pieces of these files that could not be read
    coalesce(orphans.missing_lines_count, 0)::bigint as missing_lines_count,  -- lines that others name and nobody has
    sessions.floor_requests_count,  -- responses that do not say how they ended
    coalesce(unlogged.unlogged_calls_count, 0)::bigint as unlogged_calls_count  -- calls that no line shows, as estimated
from sessions
inner join files on sessions.source_id = files.source_id and sessions.session_id = files.session_id
left join refused on sessions.source_id = refused.source_id and sessions.session_id = refused.session_id
left join orphans on sessions.source_id = orphans.source_id and sessions.session_id = orphans.session_id
left join unlogged on sessions.source_id = unlogged.source_id and sessions.session_id = unlogged.session_id
order by missing_lines_count desc, refused_count desc, sessions.started_at desc
