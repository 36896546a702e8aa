-- misses: requests that missed their cache for some causes, as cases of a pattern of advice.
-- grain: one row per request that missed
-- key:   source_id, request_id
-- reads: cache_misses
-- note:  an entry that expired within the hour belongs to the setting that lets entries live an hour, not here

select
    '' as subject,  -- what cases are grouped by
    source_id,  -- shard
    session_id,  -- session
    null::bigint as finding_index,  -- none
    started_at,  -- time
    turn_index,  -- turn
    request_id,  -- response that missed
    confidence,  -- how sure the cause is
    excess_usd as saving_usd,  -- US dollars on top
    excess_usd as low_usd,  -- the size is exact
    excess_usd as high_usd  -- the size is exact
from cache_misses
where
    excess_usd > 0
    and (list_contains($kinds::varchar[], label) or list_contains($kinds::varchar[], label || '.' || cause))
    and (label <> 'K1' or age_seconds > 3600)
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
