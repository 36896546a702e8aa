-- data_quality: what each check found when the source was last published.
-- grain: one row per check of a source
-- key:   source_id, check_name
-- reads: check_results
-- scope: source

select
    source_id,  -- shard
    check_name,  -- which check
    severity,  -- critical or warning
    failing_count = 0 as is_ok,  -- whether it held
    failing_count,  -- rows or units that break it
    checked_at,  -- when
    case
        when failing_count = 0 then reason
        else concat(reason, ' Found: ', coalesce(first_failing, 'no detail'), '. ', coalesce(remedy, ''))
    end as detail  -- what was found and what to do
from check_results
