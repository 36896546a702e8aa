-- comparison_starts: when the sessions of each project began.
-- grain: one row per project
-- key:   project
-- reads: session_comparison

select
    project,
    list(started_at order by started_at) as starts
from session_comparison
where project is not null and started_at is not null
group by all
order by project
