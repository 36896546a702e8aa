-- checks: what each check found last, failures first.
-- grain: one row per check and source
-- key:   source_id, check_name
-- reads: data_quality

select
    source_id,  -- shard
    check_name,  -- check
    severity,  -- critical or warning
    is_ok,  -- whether it held
    failing_count,  -- rows or units that break it
    checked_at,  -- when
    detail  -- what was found and what to do
from data_quality
order by is_ok, severity, check_name, source_id
