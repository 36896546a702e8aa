-- comparison_days: how many sessions began on each day, in the time zone given.
-- grain: one row per day on which a session began
-- key:   began_on
-- reads: session_comparison

select
    cast(timezone($time_zone, started_at) as date) as began_on,
    count(*) as sessions_count
from session_comparison
where started_at is not null
group by all
order by began_on
