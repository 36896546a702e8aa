-- what_ifs_of_scope: each policy over the sessions that a selection touches, each of them whole.
-- grain: one row per policy
-- key:   policy
-- reads: what_ifs, requests
-- note:  a session is touched where it was billed a response of the selection, whenever it began. One policy may be added over sessions, which do not touch each other; two policies never, but by their net savings

with touched as (
    select distinct
        source_id,
        session_id
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
)

select
    policy,  -- name
    any_value(family) as family,  -- identity, remove, cap, lifetime, model, tools, earlier, delegate
    any_value(label) as label,  -- label taken out, if any
    min(parameters) as parameters,  -- what it changes, JSON; its name says the rest
    max(case confidence when 'heuristic' then 2 when 'estimated' then 1 else 0 end) as doubt,  -- 0 exact to 2 heuristic
    count(*) as sessions_count,  -- sessions in which it would change something
    sum(billed_usd) as billed_usd,  -- US dollars, of those sessions
    sum(gross_saving_usd) as gross_saving_usd,  -- US dollars, this policy alone; not to be added to another
    sum(net_saving_usd) as net_saving_usd,  -- US dollars after all labels before it; add up to remove.all
    sum(low_usd) as low_usd,  -- lower end of the gross saving
    sum(high_usd) as high_usd  -- upper end of the gross saving
from what_ifs
semi join touched on what_ifs.source_id = touched.source_id and what_ifs.session_id = touched.session_id
where is_identity
group by policy
order by
    case any_value(family)
        when 'identity' then 0 when 'remove' then 1 when 'lifetime' then 2 when 'model' then 3 when 'cap' then 4
        when 'earlier' then 5 when 'tools' then 6 else 7
    end,
    -- Labels in the order in which they are taken out: misses, then content; all of it last.
    case left(any_value(label), 1) when 'K' then 0 when 'C' then 1 else 2 end,
    coalesce(try_cast(substr(any_value(label), 2) as integer), try_cast(regexp_extract(policy, '[0-9]+$') as integer)),
    policy
