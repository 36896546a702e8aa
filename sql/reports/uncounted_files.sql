-- uncounted_files: files below a source that carry nothing that counts, or could not be read.
-- grain: one row per file
-- key:   source_id, path
-- reads: source_files

select
    source_id,  -- shard
    path,  -- file below its root
    status,  -- unsupported, unreadable, empty or gone
    apparent_kind,  -- what it looks like
    size_bytes,  -- bytes on disk
    first_seen_at  -- when it was first seen
from source_files
where is_current and status <> 'ok'
order by status = 'gone', status, source_id, path
limit $limit
