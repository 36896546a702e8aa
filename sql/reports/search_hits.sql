-- search_hits: the blocks that show one of the matching texts and pass every filter, one page of them.
-- grain: one row per block
-- key:   source_id, session_id, block_index
-- reads: matches, blocks, requests, sessions, waste
-- note:  `matches` are the texts found, made by her_models.search.hits; without words everything matches. Order, limit
--        and offset are put around it. What is shown to a model belongs to the first response that was sent it.

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
    blocks.preview,  -- first 200 characters
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
where
    blocks.file_id is not null -- what no line shows cannot be opened
    and (
        $has_words::boolean is false
        or (blocks.source_id, blocks.content_hash) in (select (matches.source_id, matches.content_hash) from matches)
    )
    and ($with_inherited::boolean or not blocks.is_inherited)
    and ($session_id::varchar is null or blocks.session_id = $session_id::varchar)
    and ($kinds::varchar[] is null or list_contains($kinds::varchar[], blocks.kind))
    and ($tools::varchar[] is null or list_contains($tools::varchar[], blocks.tool_name))
    and ($path::varchar is null or contains(lower(blocks.path), lower($path::varchar)))
    and ($is_error::boolean is null or blocks.is_error = $is_error::boolean)
    and ($min_usd::decimal(38, 12) is null or blocks.lifetime_usd >= $min_usd::decimal(38, 12))
    and (
        $labels::varchar[] is null
        or (blocks.source_id, blocks.session_id, blocks.block_index) in (
            select (waste.source_id, waste.session_id, waste.block_index)
            from waste
            where list_has_any($labels::varchar[], [waste.label, waste.kind])
        )
    )
    and ($since_at::timestamptz is null or blocks.logged_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or blocks.logged_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], requests.model))
    and (
        $version::varchar is null or coalesce(requests.client_version, sessions.last_version) = $version::varchar
    )
