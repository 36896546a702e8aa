-- filter_choices: values one can filter by, in one row.
-- grain: one row
-- key:   none
-- reads: sessions, daily_cost

select
    (select list(distinct owner order by owner) from sessions where owner is not null) as owners,  -- people
    (select list(distinct project order by project) from sessions where project is not null) as projects,  -- projects
    (
        select list(distinct model order by model)
        from (select unnest(models) as model from sessions)
        where model is not null
    ) as models,  -- models that answered
    (
        select list(distinct version order by version)
        from (
            select first_version as version from sessions
            union all
            select last_version from sessions
        )
        where version is not null
    ) as versions,  -- client versions at the ends of sessions
    (select min(day_on) from daily_cost) as first_on,  -- first day with a billed response
    (select max(day_on) from daily_cost) as last_on,  -- last day with a billed response
    (select count(*) from sessions) as sessions_count  -- sessions in the lake
