-- refused_lines: bytes that could not be read as a line, with where they stand and why.
-- grain: one row per refused stretch of bytes
-- key:   file_id, offset_bytes
-- reads: refused_lines, source_files

select
    refused_lines.source_id,  -- shard
    source_files.path,  -- file below its root
    refused_lines.offset_bytes,  -- where they begin
    refused_lines.length_bytes,  -- how many
    refused_lines.reason,  -- what was found
    left(refused_lines.sample, 500) as sample  -- first characters, redacted
from refused_lines
left join source_files
    on refused_lines.source_id = source_files.source_id and refused_lines.file_id = source_files.file_id
where coalesce(source_files.is_current, true)
order by refused_lines.source_id, source_files.path, refused_lines.offset_bytes
limit $limit
