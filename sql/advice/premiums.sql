-- premiums: requests billed above the standard rate, as cases of a pattern of advice.
-- grain: one row per request
-- key:   source_id, request_id
-- reads: requests

select
    model as subject,  -- what cases are grouped by
    source_id,  -- shard
    session_id,  -- session
    null::bigint as finding_index,  -- none
    started_at,  -- time
    turn_index,  -- turn
    request_id,  -- response
    'exact' as confidence,  -- both rates are published
    premium_usd as saving_usd,  -- US dollars above the standard rate
    premium_usd as low_usd,  -- exact
    premium_usd as high_usd  -- exact
from requests
where
    premium_usd > 0
    and case when speed = 'fast' then 'P1' when geography <> 'global' then 'P2' else 'P3' end in (select unnest($kinds::varchar[]))
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
