-- stg_source_files: the generations of log files that count.
-- grain: one row per current generation of a log file that was read
-- key:   file_id
-- reads: source_files
-- note:  a file that is gone from disk stays: the client deletes logs after a month, the lake does not

select
    source_id,  -- shard
    file_id,  -- file generation
    path,  -- path below the root of its source
    last_read_at  -- when bytes of it were last read
from source_files
where
    is_current
    and status <> 'unsupported'
