-- session_lines: the lines of a session as logged, redacted, each once.
-- grain: one row per line
-- key:   file_id, offset_bytes
-- reads: lines, source_files
-- note:  a line without a uuid is the same as the line of equal bytes at the same turn in another file

with session_files as (
    -- Where several files hold the session, the fullest speaks first, so that its order is kept.
    select
        lines.file_id,
        source_files.path,
        row_number() over (order by count(*) desc, source_files.path) as file_rank
    from lines
    inner join source_files on lines.source_id = source_files.source_id and lines.file_id = source_files.file_id
    where lines.source_id = $source_id and lines.session_id = $session_id and source_files.is_current
    group by lines.file_id, source_files.path
),

identified as (
    select
        lines.file_id,
        lines.offset_bytes,
        lines.agent_id,
        lines.raw,
        session_files.path,
        session_files.file_rank,
        coalesce(
            lines.uuid,
            lines.line_hash || '#' || row_number() over (
                partition by lines.file_id, lines.line_hash order by lines.offset_bytes
            )
        ) as line_identity
    from lines
    inner join session_files on lines.file_id = session_files.file_id
    where lines.source_id = $source_id and lines.session_id = $session_id
)

select
    path,  -- file below its root
    file_id,  -- file generation
    offset_bytes,  -- where the line begins in the original file
    agent_id,  -- subagent that wrote it, if any
    raw  -- the line, redacted, as JSON
from identified
qualify row_number() over (partition by agent_id, line_identity order by file_rank, offset_bytes) = 1
order by agent_id is not null, file_rank, offset_bytes
