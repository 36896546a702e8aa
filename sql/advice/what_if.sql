-- what_if: what sessions would have cost under a policy, as cases of a pattern of advice.
-- grain: one row per session that the policy would change, up or down
-- key:   source_id, session_id
-- reads: what_ifs, requests
-- note:  a setting holds for all sessions: those that it would make dearer count against it. A what-if is of a whole
--        session; of one that goes on outside the selection, the share of its bill that lies in it counts, so that a long
--        session is neither left out nor counted every week. Where models are chosen, sessions that used another one too
--        are left out, as no share of it is known

with chosen as (
    select
        source_id,
        session_id,
        sum(billed_usd) as billed_usd
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    group by source_id, session_id
),

mixed as (
    select distinct
        source_id,
        session_id
    from requests
    where
        $models::varchar[] is not null
        and not coalesce(list_contains($models::varchar[], model), false)
),

shared as (
    select
        what_ifs.*,
        case
            when chosen.billed_usd = what_ifs.billed_usd then 1
            else cast(chosen.billed_usd as double) / nullif(cast(what_ifs.billed_usd as double), 0)
        end as share
    from what_ifs
    inner join chosen on what_ifs.source_id = chosen.source_id and what_ifs.session_id = chosen.session_id
)

select
    '' as subject,  -- what cases are grouped by
    what_ifs.source_id,  -- shard
    what_ifs.session_id,  -- session
    null::bigint as finding_index,  -- none
    started_at,  -- time
    null::bigint as turn_index,  -- the whole session
    null::varchar as request_id,  -- the whole session
    confidence,  -- exact, estimated or heuristic
    gross_saving_usd * share as saving_usd,  -- US dollars; below 0 it would have been dearer
    low_usd * share as low_usd,  -- lower end
    high_usd * share as high_usd  -- upper end
from shared as what_ifs
anti join mixed on what_ifs.source_id = mixed.source_id and what_ifs.session_id = mixed.session_id
where list_contains($kinds::varchar[], policy)
