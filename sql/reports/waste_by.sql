-- waste_by: findings of waste of a period, added up by label, kind, project, person, tool, file or session.
-- grain: one row per group
-- key:   group_name, label, is_hint
-- reads: waste, sessions
-- note:  a finding counts where it began, with all it cost afterwards; `label` is empty where labels are added up. Where
--        persons are not to be named, files and projects are told by `shown_path`

with grouped as (
    select
        case $dimension
            when 'label' then label
            when 'kind' then kind
            when 'project'
                then case
                    when $names_persons then waste.project
                    else shown_project(waste.project, sessions.project_path, waste.owner)
                end
            when 'owner' then waste.owner
            when 'tool' then tool_name
            when 'file'
                then case when $names_persons then waste.path else shown_path(waste.path, sessions.project_path) end
            when 'session' then waste.session_id
        end as group_name,
        case when $dimension in ('label', 'kind') then label else '' end as label,
        waste.* exclude (label)
    from waste
    left join sessions
        on waste.source_id = sessions.source_id and waste.session_id = sessions.session_id
    where
    ($since_at::timestamptz is null or waste.started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or waste.started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], waste.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], waste.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], waste.model))
)

select
    group_name,  -- what is added up by
    label,  -- label, where a group has one
    is_hint,  -- hints are shown and never added to totals
    count(*) as findings_count,  -- findings
    count(distinct (source_id, session_id)) as sessions_count,  -- sessions that hold one
    sum(entry_tokens)::bigint as entry_tokens,  -- tokens when they entered
    sum(tokens)::bigint as tokens,  -- billed tokens, carry and turn tax included
    sum(waste_usd) as waste_usd,  -- US dollars
    sum(turn_tax_usd) as turn_tax_usd,  -- part of it: requests that only consumed waste
    sum(low_usd) as low_usd,  -- lower end
    sum(high_usd) as high_usd,  -- upper end
    max(case confidence when 'heuristic' then 2 when 'estimated' then 1 else 0 end) as doubt  -- 0 exact to 2 heuristic
from grouped
where group_name is not null
group by all
order by is_hint, waste_usd desc nulls last, group_name
