-- raw_line: one line as logged, redacted, and where it stands.
-- grain: one row
-- key:   file_id, offset_bytes
-- reads: lines, source_files

select
    source_files.path,  -- file below its root
    lines.offset_bytes,  -- where it begins
    lines.length_bytes,  -- bytes in the original
    lines.line_hash,  -- keyed hash of the original bytes
    lines.client_version,  -- client that wrote it
    lines.raw  -- redacted JSON
from lines
left join source_files on lines.file_id = source_files.file_id
where lines.source_id = $source_id and lines.file_id = $file_id and lines.offset_bytes = $offset_bytes
limit 1
