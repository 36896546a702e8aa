-- comparison_models: which models worked in which projects, to find two that can be held against each other.
-- grain: one row per project and model
-- key:   project, model
-- reads: session_comparison

select
    project,
    model,
    count(*) as sessions_count,
    min(started_at) as first_at
from session_comparison
where project is not null and model is not null and started_at is not null
group by all
order by sessions_count desc, project, model
