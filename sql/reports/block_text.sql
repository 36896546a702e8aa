-- block_text: one block of a session with its whole text.
-- grain: one row
-- key:   source_id, session_id, block_index
-- reads: blocks, contents, sessions
-- note:  where persons are not to be named, files are told by `shown_path`

select
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    blocks.block_index,  -- position in its session
    blocks.kind,  -- kind of content
    blocks.tool_name,  -- tool
    case when $names_persons then blocks.path else shown_path(blocks.path, sessions.project_path) end as path,  -- file
    blocks.label,  -- name of a block that no line shows
    blocks.turn_index,  -- turn
    blocks.logged_at,  -- time
    blocks.size_tokens,  -- tokens when it entered
    blocks.range_start,  -- first line of the file that it holds, from 1
    contents.text  -- text, redacted; null where no line holds it
from blocks
left join contents on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
left join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
where
    blocks.source_id = $source_id
    and blocks.session_id = $session_id
    and blocks.block_index = $block_index
