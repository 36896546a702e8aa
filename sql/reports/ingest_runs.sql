-- ingest_runs: the last runs, newest first, with what each did and cost.
-- grain: one row per run and source
-- key:   run_id, source_id
-- reads: ingest_runs

select
    run_id,  -- run
    source_id,  -- shard
    started_at,  -- start
    epoch(finished_at) - epoch(started_at) as duration_seconds,  -- seconds
    files_seen_count,  -- files looked at
    files_read_count,  -- files read
    bytes_read,  -- log bytes
    lines_count,  -- new lines
    refused_count,  -- refused lines
    redaction_count,  -- redacted spans
    requests_count,  -- responses of the sessions rebuilt
    sessions_count,  -- sessions rebuilt
    stage_seconds,  -- reading to Parquet
    model_seconds,  -- SQL models and publication
    cpu_seconds,  -- all processes
    peak_memory_bytes  -- resident memory
from ingest_runs
order by started_at desc, source_id
limit $limit
