-- longest_session: the session with the most events, which is the slowest to open.
-- grain: one row, or none in an empty lake
-- key:   none
-- reads: blocks

select
    source_id,  -- shard
    session_id,  -- session
    count(*) as events_count  -- blocks
from blocks
group by source_id, session_id
order by events_count desc, source_id, session_id
limit 1
