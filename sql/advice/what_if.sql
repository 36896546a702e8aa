-- what_if: what sessions would have cost under a policy, as cases of a pattern of advice.
-- grain: one row per session that the policy would change, up or down
-- key:   source_id, session_id
-- reads: what_ifs, requests
-- note:  a setting holds for all sessions: those that it would make dearer count against it. A what-if is of a whole
--        session; where models are chosen, sessions that used another one too are left out, as no share of it is known

with mixed as (
    select distinct
        source_id,
        session_id
    from requests
    where
        $models::varchar[] is not null
        and not coalesce(list_contains($models::varchar[], model), false)
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
    gross_saving_usd as saving_usd,  -- US dollars; below 0 it would have been dearer
    low_usd,  -- lower end
    high_usd  -- upper end
from what_ifs
anti join mixed on what_ifs.source_id = mixed.source_id and what_ifs.session_id = mixed.session_id
where
    list_contains($kinds::varchar[], policy)
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
