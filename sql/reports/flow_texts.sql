-- flow_texts: what was said and done in a session up to an event, with its texts.
-- grain: one row per event that has a text
-- key:   event_index
-- reads: blocks, contents

select
    blocks.block_index as event_index,  -- position in the session, from 0
    blocks.turn_index,  -- turn
    blocks.request_id,  -- response it was part of
    blocks.kind,  -- what it is
    blocks.tool_name,  -- tool, on calls and results
    blocks.path,  -- file the call names
    blocks.is_error,  -- a failed result
    left(contents.text, $characters) as text  -- redacted text, cut
from blocks
inner join contents on blocks.content_hash = contents.content_hash
where
    blocks.source_id = $source_id
    and blocks.session_id = $session_id
    and blocks.block_index <= $last_index
    and blocks.file_id is not null
    and contents.source_id = $source_id
order by event_index
