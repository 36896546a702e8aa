-- search_named: what people call sessions, as one text: title, tags and note.
-- grain: one row per session that passes the filters and has any of them
-- key:   source_id, session_id
-- reads: sessions, annotations
-- note:  what the text has to hold is put around it by her_models.search.hits

select
    sessions.source_id,  -- shard
    sessions.session_id,  -- session
    sessions.title,  -- title, else the first words
    annotations.tags,  -- tags of one's own
    annotations.note,  -- note of one's own
    sessions.started_at,  -- first own line
    concat_ws(chr(10), sessions.title, array_to_string(annotations.tags, chr(10)), annotations.note) as text  -- all of it
from sessions
left join annotations
    on sessions.source_id = annotations.source_id and sessions.session_id = annotations.session_id
where
    (sessions.title <> '' or annotations.session_id is not null)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
    and ($version::varchar is null or $version::varchar in (sessions.first_version, sessions.last_version))
    and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
