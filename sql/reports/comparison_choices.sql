-- comparison_choices: what sessions can be compared by: each value with its sessions.
-- grain: one row per column and value
-- key:   name, value
-- reads: session_comparison, annotations

with counted as (
    select
        unnest(['model', 'project', 'person', 'version', 'branch', 'hash']) as name,
        unnest([model, project, owner, client_version, git_branch, instructions_hash]) as value,
        started_at
    from session_comparison
    union all by name
    select
        'tag' as name,
        unnest(annotations.tags) as value,
        session_comparison.started_at
    from annotations
    inner join session_comparison
        on
            annotations.source_id = session_comparison.source_id
            and annotations.session_id = session_comparison.session_id
)

select
    name,
    value,
    count(*) as sessions_count,
    min(started_at) as first_at,
    max(started_at) as last_at
from counted
where value is not null
group by all
order by name, sessions_count desc, last_at desc, value
