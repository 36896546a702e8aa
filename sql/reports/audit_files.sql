-- audit_files: the log files that hold lines of some sessions, with what of them is in the lake.
-- grain: one row per file generation
-- key:   file_id
-- reads: source_files, lines, redactions
-- note:  what adds up: lines + refused + filler = consumed bytes; consumed = size, but for a half-written last line

with held as (
    select distinct file_id
    from lines
    where
        ($session_ids::varchar[] is null or list_contains($session_ids::varchar[], session_id))
        and ($source_id::varchar is null or source_id = $source_id::varchar)
),

line_bytes as (
    select file_id, count(*) as lines_count, sum(length_bytes) as length_bytes
    from lines
    where file_id in (select held.file_id from held)
    group by file_id
),

redacted as (
    select file_id, count(*) as redactions_count
    from redactions
    where file_id in (select held.file_id from held)
    group by file_id
)

select
    source_files.source_id,  -- shard
    source_files.file_id,  -- file generation
    source_files.root,  -- folder it lies below, as last read
    source_files.path,  -- path below it
    source_files.generation,  -- 0 for the first content seen under this path
    source_files.is_current,  -- the generation that counts
    source_files.status,  -- ok, gone, ...
    source_files.size_bytes,  -- size when last looked at
    source_files.consumed_bytes,  -- in the lake or refused
    source_files.lines_count,  -- lines
    source_files.refused_count,  -- refused pieces
    coalesce(redacted.redactions_count, 0)::bigint as redactions_count,  -- secrets taken out
    line_bytes.lines_count::bigint as lines_held_count  -- lines in the lake
from source_files
inner join line_bytes on source_files.file_id = line_bytes.file_id
left join redacted on source_files.file_id = redacted.file_id
order by source_files.source_id, source_files.path, source_files.generation
