-- comparison_changes: when the CLAUDE.md of a project changed, as logs tell: by its hash, or by a session that edited it.
-- grain: one row per project and new hash, or per session that edited CLAUDE.md
-- key:   project, changed_at, before_hash, after_hash
-- reads: session_comparison, edits
-- note:  sessions are counted by the hash before and the hash after; those around an edit are counted by whoever asks

with instructed as (
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
)

select
    project,
    started_at as changed_at,
    before_hash,
    instructions_hash as after_hash,
    before_sessions_count,
    after_sessions_count
from new_hashes
where project is not null
union all by name
select
    session_comparison.project,
    edited.edited_at as changed_at,
    '' as before_hash,
    '' as after_hash,
    0 as before_sessions_count,
    0 as after_sessions_count
from edited
inner join session_comparison
    on edited.source_id = session_comparison.source_id and edited.session_id = session_comparison.session_id
where session_comparison.project is not null and edited.edited_at is not null
order by project, changed_at, before_hash, after_hash
