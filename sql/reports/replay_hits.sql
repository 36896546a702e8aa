-- replay_hits: events of a session that hold certain words, whatever their case.
-- grain: one row per event
-- key:   event_index
-- reads: blocks, contents

with session_blocks as (
    select
        block_index,
        tool_name,
        path,
        content_hash
    from blocks
    where source_id = $source_id and session_id = $session_id and file_id is not null
),

found_texts as (
    select contents.content_hash
    from contents
    semi join session_blocks on contents.content_hash = session_blocks.content_hash
    where contents.source_id = $source_id and contains(lower(contents.text), lower($words))
)

select session_blocks.block_index as event_index  -- position in the session, from 0
from session_blocks
where
    session_blocks.content_hash in (select content_hash from found_texts)
    or contains(lower(session_blocks.tool_name), lower($words))
    or contains(lower(session_blocks.path), lower($words))
order by event_index
