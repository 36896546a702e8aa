-- comparison_choices: what sessions can be compared by: each value with its sessions, and changes of instructions.
-- grain: one row per column and value, or per project and change of CLAUDE.md
-- key:   name, value, project, changed_at
-- reads: session_comparison

with counted as (
    select
        unnest(['model', 'project', 'person', 'version', 'branch']) as name,
        unnest([model, project, owner, client_version, git_branch]) as value,
        started_at
    from session_comparison
),

by_value as (
    select
        name,
        value,
        null as project,
        null as before_value,
        count(*) as sessions_count,
        max(started_at) as changed_at
    from counted
    where value is not null
    group by all
),

instructed as (
    select
        project,
        instructions_hash,
        started_at,
        lag(instructions_hash) over (
            partition by source_id, project
            order by started_at, session_id
        ) as before_hash
    from session_comparison
    where instructions_hash is not null
)

select *
from by_value
union all by name
select
    'instructions' as name,
    instructions_hash as value,
    project,
    before_hash as before_value,
    null as sessions_count,
    started_at as changed_at
from instructed
where before_hash <> instructions_hash
order by name, sessions_count desc nulls last, changed_at desc, value
