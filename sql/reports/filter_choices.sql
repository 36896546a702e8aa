-- filter_choices: values one can filter by, in one row.
-- grain: one row
-- key:   none
-- reads: sessions, daily_cost

with known as materialized (
    -- Read once: naming a table again costs more than what is asked of it here.
    select
        owner,
        project,
        models,
        first_version,
        last_version
    from sessions
),

days as materialized (
    select
        min(day_on) as first_on,
        max(day_on) as last_on
    from daily_cost
)

select
    (select list(distinct owner order by owner) from known where owner is not null) as owners,  -- people
    (select list(distinct project order by project) from known where project is not null) as projects,  -- projects
    (
        select list(distinct model order by model)
        from (select unnest(models) as model from known)
        where model is not null
    ) as models,  -- models that answered
    (
        select list(distinct version order by version)
        from (
            select first_version as version from known
            union all
            select last_version from known
        )
        where version is not null
    ) as versions,  -- client versions at the ends of sessions
    (select first_on from days) as first_on,  -- first day with a billed response
    (select last_on from days) as last_on,  -- last day with a billed response
    (select count(*) from known) as sessions_count  -- sessions in the lake
