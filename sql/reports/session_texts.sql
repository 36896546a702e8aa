-- session_texts: the texts of a session, each once.
-- grain: one row per distinct text
-- key:   content_hash
-- reads: blocks, contents

select
    contents.content_hash,  -- key
    any_value(contents.text) as text  -- redacted text, whole
from contents
semi join (
    select content_hash from blocks where source_id = $source_id and session_id = $session_id
) as session_blocks
    on contents.content_hash = session_blocks.content_hash
where contents.source_id = $source_id
group by contents.content_hash
