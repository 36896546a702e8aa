-- ingest_totals: what all runs together did and cost.
-- grain: one row
-- key:   none
-- reads: ingest_runs, source_files

select
    (select count(distinct run_id) from ingest_runs) as runs_count,  -- runs that changed something
    (select max(finished_at) from ingest_runs) as last_finished_at,  -- end of the newest run
    (select coalesce(sum(bytes_read), 0)::bigint from ingest_runs) as bytes_read,  -- log bytes, all runs
    (select coalesce(sum(epoch(finished_at) - epoch(started_at)), 0) from ingest_runs) as wall_seconds,  -- all runs
    (select coalesce(sum(cpu_seconds), 0) from ingest_runs) as cpu_seconds,  -- all runs
    (select max(peak_memory_bytes) from ingest_runs) as peak_memory_bytes,  -- largest of any run
    (
        select count(*) from source_files where is_current and status not in ('unsupported', 'empty')
    ) as files_count,  -- logs
    (
        select coalesce(sum(size_bytes), 0)::bigint from source_files where is_current and status <> 'unsupported'
    ) as log_bytes,  -- size of the logs that count
    (
        select coalesce(sum(consumed_bytes), 0)::bigint from source_files where is_current and status <> 'unsupported'
    ) as consumed_bytes,  -- bytes of them in the lake or refused
    (select coalesce(sum(lines_count), 0)::bigint from source_files where is_current) as lines_count,  -- lines
    (select coalesce(sum(refused_count), 0)::bigint from source_files where is_current) as refused_count  -- refused
