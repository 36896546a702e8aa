-- search_sessions: in which sessions the matching texts stand, and how often.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: matches, blocks

select
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    count(*) as hits_count  -- blocks that hold it
from blocks
semi join matches on blocks.source_id = matches.source_id and blocks.content_hash = matches.content_hash
group by blocks.source_id, blocks.session_id
