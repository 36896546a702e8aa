-- comparison_choices: what sessions can be compared by: each value with its sessions, and changes of instructions.
-- grain: one row per column and value, per project and change of the hash of CLAUDE.md, or per session that edited CLAUDE.md
-- key:   name, value, project, changed_at
-- reads: session_comparison, edits, annotations
-- note:  of a change the sessions of the project before and after it are counted: those with the hash before and the hash
--        after, or those that began before the edit and after it

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
),

by_value as (
    select
        name,
        value,
        null as project,
        null as before_value,
        count(*) as sessions_count,
        min(started_at) as first_at,
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
),

by_hash as (
    select
        project,
        instructions_hash,
        count(*) as sessions_count
    from session_comparison
    group by all
),

new_hashes as (
    select
        instructed.project,
        instructed.before_hash,
        instructed.instructions_hash,
        instructed.started_at,
        befores.sessions_count as before_sessions_count,
        afters.sessions_count as after_sessions_count
    from instructed
    inner join by_hash as befores
        on instructed.project = befores.project and instructed.before_hash = befores.instructions_hash
    inner join by_hash as afters
        on instructed.project = afters.project and instructed.instructions_hash = afters.instructions_hash
    where instructed.before_hash <> instructed.instructions_hash
),

edited as (
    select
        source_id,
        session_id,
        max(edited_at) as edited_at
    from edits
    where regexp_matches(path, '(^|[/\\])CLAUDE(\.local)?\.md$')
    group by all
),

own_edits as (
    select
        edited.session_id,
        session_comparison.project,
        edited.edited_at
    from edited
    inner join session_comparison
        on edited.source_id = session_comparison.source_id and edited.session_id = session_comparison.session_id
),

edits_between as (
    select
        own_edits.session_id,
        own_edits.project,
        own_edits.edited_at,
        count(*) filter (session_comparison.started_at < own_edits.edited_at) as before_sessions_count,
        count(*) filter (session_comparison.started_at >= own_edits.edited_at) as after_sessions_count
    from own_edits
    inner join session_comparison on own_edits.project = session_comparison.project
    group by all
)

select
    *,
    null as before_sessions_count,
    null as after_sessions_count
from by_value
union all by name
select
    'instructions' as name,
    instructions_hash as value,
    project,
    before_hash as before_value,
    null as sessions_count,
    before_sessions_count,
    after_sessions_count,
    started_at as changed_at
from new_hashes
union all by name
select
    'instructions_edit' as name,
    session_id as value,
    project,
    null as before_value,
    null as sessions_count,
    before_sessions_count,
    after_sessions_count,
    edited_at as changed_at
from edits_between
order by name, sessions_count desc nulls last, changed_at desc, value
