-- audit_lines: every line of some files with the keyed hash of the bytes it was.
-- grain: one row per line
-- key:   file_id, offset_bytes
-- reads: lines

select
    file_id,  -- file generation
    offset_bytes,  -- where it begins in the original file
    length_bytes,  -- its length there
    line_hash  -- keyed hash of the original bytes
from lines
where list_contains($file_ids::bigint[], file_id)
order by file_id, offset_bytes
