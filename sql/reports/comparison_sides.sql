-- comparison_sides: how many sessions of a project began before a moment and from it on; projects and moments as two lists.
-- grain: one row per place in the lists
-- key:   place
-- reads: session_comparison

with asked as (
    select
        unnest($projects) as project,
        unnest($moments) as moment,
        generate_subscripts($moments, 1) - 1 as place
)

select
    asked.place,
    count(*) filter (session_comparison.started_at < asked.moment) as before_sessions_count,
    count(*) filter (session_comparison.started_at >= asked.moment) as after_sessions_count
from asked
left join session_comparison on asked.project = session_comparison.project
group by all
order by asked.place
