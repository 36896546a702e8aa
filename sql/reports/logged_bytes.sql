-- logged_bytes: how much was logged in sessions.
-- grain: one row
-- key:   none
-- reads: lines, source_files
-- note:  lines that two files repeat count twice

select coalesce(sum(lines.length_bytes), 0)::bigint as logged_bytes  -- bytes of their lines in the original files
from lines
semi join source_files
    on lines.source_id = source_files.source_id and lines.file_id = source_files.file_id and source_files.is_current
semi join (select unnest($source_ids::varchar[]) as source_id, unnest($session_ids::varchar[]) as session_id) as chosen
    on lines.source_id = chosen.source_id and lines.session_id = chosen.session_id
