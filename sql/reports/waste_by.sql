-- waste_by: waste of a selection, added up by label, kind, project, person, tool or file; every way to the same total.
-- grain: one row per dimension asked for and group, and one per part that belongs to no group
-- key:   dimension, part, group_name, label, is_hint
-- reads: requests, request_labels, cache_misses, waste, sessions
-- note:  what is waste lies where its requests were billed, as in the bill. Labels, projects and persons are known of each
--        request. Kinds, tools and files are known of findings, which a session beyond the selection may have paid elsewhere:
--        what such a session paid here stands in one row, undivided. Hints cost what they cost in all, where they began.
--        Where persons are not to be named, files and projects are told by `shown_path`

with dimensions as (
    select unnest($dimensions::varchar[]) as dimension
),

chosen as (
    select
        source_id,
        session_id,
        request_id,
        cache_excess_usd
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
),

whole_sessions as (
    select
        requests.source_id,
        requests.session_id
    from requests
    left join chosen on requests.source_id = chosen.source_id and requests.request_id = chosen.request_id
    group by all
    having count(*) = count(chosen.request_id)
),

billed as (
    select
        request_labels.source_id,
        request_labels.session_id,
        request_labels.label,
        sum(
            request_labels.cache_read_tokens + request_labels.cache_write_1h_tokens
            + request_labels.cache_write_5m_tokens + request_labels.uncached_tokens + request_labels.output_tokens
        ) as tokens,
        sum(request_labels.content_usd) as usd
    from request_labels
    inner join chosen
        on request_labels.source_id = chosen.source_id and request_labels.request_id = chosen.request_id
    where request_labels.label like 'C%'
    group by all
),

told as (
    select
        waste.source_id,
        waste.session_id,
        waste.label,
        waste.kind,
        waste.confidence,
        waste.is_hint,
        waste.tool_name,
        waste.tokens,
        waste.waste_usd,
        waste.turn_tax_usd,
        waste.low_usd,
        waste.high_usd,
        case when $names_persons then waste.path else shown_path(waste.path, sessions.project_path) end as path,
        (
            ($since_at::timestamptz is null or waste.started_at >= $since_at::timestamptz)
            and ($until_at::timestamptz is null or waste.started_at < $until_at::timestamptz)
            and ($owners::varchar[] is null or list_contains($owners::varchar[], waste.owner))
            and ($projects::varchar[] is null or list_contains($projects::varchar[], waste.project))
            and ($models::varchar[] is null or list_contains($models::varchar[], waste.model))
        ) as is_begun_here
    from waste
    left join sessions on waste.source_id = sessions.source_id and waste.session_id = sessions.session_id
),

by_session_and_label as (
    select
        billed.source_id,
        billed.session_id,
        billed.label,
        billed.tokens,
        billed.usd,
        count(*) filter (told.is_begun_here) as findings_count,
        max(case told.confidence when 'heuristic' then 2 when 'estimated' then 1 else 0 end) as doubt,
        sum(told.waste_usd) as whole_usd,
        sum(told.turn_tax_usd) as turn_tax_usd,
        sum(told.low_usd) as low_usd,
        sum(told.high_usd) as high_usd
    from billed
    left join told
        on
            billed.source_id = told.source_id
            and billed.session_id = told.session_id
            and billed.label = told.label
            and not told.is_hint
    group by all
),

-- Of what a session paid in part elsewhere, ends and turn tax are taken to lie as its cost does.
shared as (
    select
        * exclude (turn_tax_usd, low_usd, high_usd),
        case when whole_usd = usd then 1 else cast(usd as double) / nullif(cast(whole_usd as double), 0) end as share,
        cast(share * turn_tax_usd as decimal(38, 12)) as turn_tax_usd,
        case when whole_usd = usd then low_usd else cast(share * low_usd as decimal(38, 12)) end as low_usd,
        case when whole_usd = usd then high_usd else cast(share * high_usd as decimal(38, 12)) end as high_usd
    from by_session_and_label
),

cells as (
    -- Labels, projects and persons, and what cannot be divided by kind, tool or file.
    select
        dimensions.dimension,
        case
            when dimensions.dimension in ('label', 'project', 'owner') then 'group'
            else 'elsewhere'
        end as place,
        parts.source_id,
        parts.session_id,
        case when dimensions.dimension = 'label' then parts.label end as group_name,
        case when dimensions.dimension = 'label' then parts.label else '' end as label,
        false as is_hint,
        parts.findings_count,
        parts.tokens,
        parts.usd as content_usd,
        cast(null as decimal(38, 12)) as misses_usd,
        parts.turn_tax_usd,
        parts.low_usd,
        parts.high_usd,
        parts.doubt
    from shared as parts
    cross join dimensions
    left join whole_sessions
        on parts.source_id = whole_sessions.source_id and parts.session_id = whole_sessions.session_id
    where dimensions.dimension in ('label', 'project', 'owner') or whole_sessions.session_id is null

    union all

    -- Kinds, tools and files of sessions that lie in the selection whole; hints where they began.
    select
        dimensions.dimension,
        'group' as place,
        told.source_id,
        told.session_id,
        case dimensions.dimension
            when 'label' then told.label when 'kind' then told.kind when 'tool' then told.tool_name when 'file' then told.path
        end as group_name,
        case when dimensions.dimension in ('label', 'kind') then told.label else '' end as label,
        told.is_hint,
        1 as findings_count,
        told.tokens,
        told.waste_usd as content_usd,
        cast(null as decimal(38, 12)) as misses_usd,
        told.turn_tax_usd,
        told.low_usd,
        told.high_usd,
        case told.confidence when 'heuristic' then 2 when 'estimated' then 1 else 0 end as doubt
    from told
    cross join dimensions
    left join whole_sessions
        on told.source_id = whole_sessions.source_id and told.session_id = whole_sessions.session_id
    where
        case
            when told.is_hint then told.is_begun_here
            else dimensions.dimension in ('kind', 'tool', 'file') and whole_sessions.session_id is not null
        end

    union all

    select
        dimensions.dimension,
        case when dimensions.dimension in ('tool', 'file') then 'misses' else 'group' end as place,
        chosen.source_id,
        chosen.session_id,
        case dimensions.dimension
            when 'label' then coalesce(cache_misses.label, 'K5')
            when 'kind' then concat_ws('.', coalesce(cache_misses.label, 'K5'), cache_misses.cause)
        end as group_name,
        case when dimensions.dimension in ('label', 'kind') then coalesce(cache_misses.label, 'K5') else '' end as label,
        false as is_hint,
        1 as findings_count,
        coalesce(cache_misses.missed_tokens, 0) as tokens,
        cast(null as decimal(38, 12)) as content_usd,
        chosen.cache_excess_usd as misses_usd,
        cast(0 as decimal(38, 12)) as turn_tax_usd,
        chosen.cache_excess_usd as low_usd,
        chosen.cache_excess_usd as high_usd,
        0 as doubt
    from chosen
    cross join dimensions
    left join cache_misses on chosen.source_id = cache_misses.source_id and chosen.request_id = cache_misses.request_id
    where chosen.cache_excess_usd <> 0
),

named as (
    select
        cells.* exclude (group_name),
        case
            when cells.place <> 'group' then null
            when cells.dimension = 'owner' then sessions.owner
            when cells.dimension = 'project'
                then case
                    when $names_persons then sessions.project
                    else shown_project(sessions.project, sessions.project_path, sessions.owner)
                end
            else cells.group_name
        end as group_name
    from cells
    left join sessions on cells.source_id = sessions.source_id and cells.session_id = sessions.session_id
),

parted as (
    select
        *,
        case when place = 'group' and group_name is null then 'none' else place end as part
    from named
)

select
    dimension,  -- what is added up by: label, kind, project, owner, tool or file
    part,  -- group; none: names none; misses: of no tool or file; elsewhere: of sessions beyond the selection
    group_name,  -- which of them; null for parts that are no group
    label,  -- label, where a group has one
    is_hint,  -- hints are shown and never added to totals
    sum(findings_count)::bigint as findings_count,  -- findings that began here, and responses that missed the cache
    count(distinct (source_id, session_id)) as sessions_count,  -- sessions that paid for one
    sum(tokens)::bigint as tokens,  -- billed tokens, carry and turn tax included; of misses, those that had to be read
    case when count(content_usd) + count(misses_usd) > 0 then coalesce(sum(content_usd), 0) end
        as content_usd,  -- US dollars of content; null where nothing has a price
    case when count(content_usd) + count(misses_usd) > 0 then coalesce(sum(misses_usd), 0) end
        as misses_usd,  -- US dollars that missing the cache cost on top; likewise
    sum(coalesce(content_usd, misses_usd)) as waste_usd,  -- US dollars, both; likewise
    sum(turn_tax_usd) as turn_tax_usd,  -- part of it: requests that only consumed waste
    sum(low_usd) as low_usd,  -- lower end
    sum(high_usd) as high_usd,  -- upper end
    max(doubt) as doubt  -- 0 exact to 2 heuristic
from parted
group by dimension, part, group_name, label, is_hint
order by dimension, is_hint, part <> 'group', waste_usd desc nulls last, part, group_name, label
