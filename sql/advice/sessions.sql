-- sessions: what the sessions that began in a time were billed.
-- grain: one row per session with a billed, priced response
-- key:   source_id, session_id
-- reads: sessions

select
    source_id,  -- shard
    session_id,  -- session
    billed_usd  -- US dollars
from sessions
where
    billed_usd > 0
    and started_at >= $since_at::timestamptz
    and started_at < $until_at::timestamptz
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
