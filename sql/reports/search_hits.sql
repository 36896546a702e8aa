-- search_hits: where the blocks are that show one of the matching texts and pass every filter, with what they are sorted by.
-- grain: one row per block
-- key:   source_id, session_id, block_index
-- reads: matches, blocks, requests, sessions, waste
-- note:  `matches` are the texts found, made by her_models.search.hits; without words everything matches. Order, limit
--        and offset are put around it. What is shown to a model belongs to the first response that was sent it. Only
--        what decides is read here: search_shown gives the rest for the few that are shown.

with found as materialized (
    select
        source_id,
        session_id,
        block_index,
        coalesce(request_id, first_request_id) as request_id,
        logged_at,
        lifetime_usd,
        text_bytes
    from blocks
    where
        file_id is not null -- what no line shows cannot be opened
        and (
            $has_words::boolean is false
            or (source_id, content_hash) in (select (matches.source_id, matches.content_hash) from matches)
        )
        and ($with_inherited::boolean or not is_inherited)
        and ($session_id::varchar is null or session_id = $session_id::varchar)
        and ($kinds::varchar[] is null or list_contains($kinds::varchar[], kind))
        and ($tools::varchar[] is null or list_contains($tools::varchar[], tool_name))
        and ($path::varchar is null or contains(lower(path), lower($path::varchar)))
        and ($is_error::boolean is null or is_error = $is_error::boolean)
        and ($min_usd::decimal(38, 12) is null or lifetime_usd >= $min_usd::decimal(38, 12))
        and (
            $labels::varchar[] is null
            or (source_id, session_id, block_index) in (
                select (waste.source_id, waste.session_id, waste.block_index)
                from waste
                where list_has_any($labels::varchar[], [waste.label, waste.kind])
            )
        )
        and ($since_at::timestamptz is null or logged_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or logged_at < $until_at::timestamptz)
)

select
    found.source_id,  -- shard
    found.session_id,  -- session
    found.block_index,  -- position in its session, from 0
    found.logged_at,  -- time
    found.lifetime_usd,  -- US dollars from first to last
    found.text_bytes  -- UTF-8 bytes
from found
inner join sessions on found.source_id = sessions.source_id and found.session_id = sessions.session_id
where
    ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and (
        $models::varchar[] is null
        or (found.source_id, found.request_id) in (
            select (requests.source_id, requests.request_id)
            from requests
            where list_contains($models::varchar[], requests.model)
        )
    )
    and (
        $version::varchar is null
        or (found.source_id, found.request_id) in (
            select (requests.source_id, requests.request_id)
            from requests
            where requests.client_version = $version::varchar
        )
        or (
            sessions.last_version = $version::varchar
            and (found.source_id, found.request_id) not in (
                select (requests.source_id, requests.request_id)
                from requests
                where requests.client_version is not null
            )
        )
    )
