-- search_shown: what a hit of a search says of itself.
-- grain: one row per block
-- key:   source_id, session_id, block_index
-- reads: blocks, requests, sessions
-- note:  which blocks is put around it. What is shown to a model belongs to the first response that was sent it.

select
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    blocks.block_index,  -- position in its session, from 0
    blocks.turn_index,  -- turn
    blocks.logged_at,  -- time
    blocks.kind,  -- what it is
    blocks.role,  -- who said it
    blocks.tool_name,  -- tool, on calls and results
    blocks.path,  -- file the call names
    blocks.is_error,  -- a failed result
    blocks.agent_id,  -- subagent, if any
    blocks.is_inherited,  -- copied here from another session
    blocks.text_bytes,  -- UTF-8 bytes
    blocks.content_hash,  -- key of contents
    blocks.lifetime_usd,  -- US dollars from first to last
    blocks.file_id,  -- line it stands on
    blocks.offset_bytes,  -- line it stands on
    requests.model,  -- model that said it, or was shown it first
    coalesce(requests.client_version, sessions.last_version) as client_version,  -- client
    sessions.owner,  -- person
    sessions.project,  -- project
    sessions.title  -- title of the session
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
left join requests
    on blocks.source_id = requests.source_id and coalesce(blocks.request_id, blocks.first_request_id) = requests.request_id
