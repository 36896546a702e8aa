-- sessions_named: sessions whose id begins as given.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: sessions

select
    source_id,  -- shard
    session_id  -- session
from sessions
where starts_with(session_id, $prefix) and ($source_id::varchar is null or source_id = $source_id::varchar)
order by session_id, source_id
