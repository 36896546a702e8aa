-- misses: requests that missed their cache for some causes, as cases of a pattern of advice.
-- grain: one row per request that missed
-- key:   source_id, request_id
-- reads: cache_misses, blocks
-- note:  entries that expired are in `breaks`. Where the response before called ToolSearch, the tools changed because it
--        fetched one; no setting of servers ends that. A resume is one whatever changed with it

with searches as (
    select distinct
        source_id,
        request_id
    from blocks
    where kind = 'tool_call' and tool_name = 'ToolSearch'
)

select
    '' as subject,  -- what cases are grouped by
    misses.source_id,  -- shard
    misses.session_id,  -- session
    null::bigint as finding_index,  -- none
    misses.started_at,  -- time
    misses.turn_index,  -- turn
    misses.request_id,  -- response that missed
    misses.confidence,  -- how sure the cause is
    misses.excess_usd as saving_usd,  -- US dollars on top
    misses.excess_usd as low_usd,  -- the size is exact
    misses.excess_usd as high_usd  -- the size is exact
from cache_misses as misses
left join searches
    on misses.source_id = searches.source_id and misses.previous_request_id = searches.request_id
where
    misses.excess_usd > 0
    and (
        list_contains($kinds::varchar[], misses.label)
        or list_contains($kinds::varchar[], misses.label || '.' || misses.cause)
    )
    and (misses.label <> 'K2' or misses.cause <> 'tools' or searches.request_id is null)
    and ($since_at::timestamptz is null or misses.started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or misses.started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], misses.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], misses.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], misses.model))
