-- sessions: sessions that pass every filter; the text is looked for in titles and ids, and stands in those given.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: sessions, annotations
-- note:  order, limit and offset are put around it by reports.sessions, from a fixed list of columns

with matching_sessions as (
    select
        unnest($hit_sources::varchar[]) as source_id,
        unnest($hit_sessions::varchar[]) as session_id,
        unnest($hit_counts::bigint[]) as hits_count
)

select
    sessions.source_id,  -- shard
    sessions.session_id,  -- session
    sessions.owner,  -- person
    sessions.project,  -- last part of the first working directory
    sessions.project_path,  -- first working directory
    sessions.title,  -- title, else the first words
    sessions.started_at,  -- first own line
    sessions.ended_at,  -- last own line
    epoch(sessions.ended_at) - epoch(sessions.started_at) as duration_seconds,  -- from first to last line, pauses included
    sessions.first_version,  -- lowest client version
    sessions.last_version,  -- highest client version
    sessions.models,  -- models that answered
    sessions.turns_count,  -- own turns
    sessions.requests_count,  -- responses billed here
    sessions.tool_calls_count,  -- tool calls
    sessions.tool_errors_count,  -- failed tool calls
    sessions.agents_count,  -- subagents
    sessions.compactions_count,  -- compactions
    sessions.uncached_input_tokens,  -- tokens
    sessions.cache_write_5m_tokens,  -- tokens
    sessions.cache_write_1h_tokens,  -- tokens
    sessions.cache_read_tokens,  -- tokens
    sessions.output_tokens,  -- tokens, as logged
    sessions.peak_context_tokens,  -- longest prompt of the main thread
    sessions.billed_usd,  -- US dollars; null when nothing is priced
    sessions.estimated_usd,  -- US dollars, best estimate: with output that the log lost
    sessions.unpriced_requests_count,  -- responses without a price
    sessions.floor_requests_count,  -- responses whose output is a lower bound
    annotations.tags,  -- tags of one's own
    annotations.note,  -- note of one's own
    sessions.completeness,  -- complete, floor or unpriced
    coalesce(matching_sessions.hits_count, 0)::bigint as hits_count  -- blocks that hold the text
from sessions
left join matching_sessions
    on sessions.source_id = matching_sessions.source_id and sessions.session_id = matching_sessions.session_id
left join annotations
    on sessions.source_id = annotations.source_id and sessions.session_id = annotations.session_id
where
    (
        $text::varchar is null
        or matching_sessions.session_id is not null
        or contains(lower(coalesce(sessions.title, '')), lower($text::varchar))
        or starts_with(sessions.session_id, lower($text::varchar))
        or contains(lower(concat_ws(' ', annotations.note, array_to_string(annotations.tags, ' '))), lower($text::varchar))
    )
    and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
    and ($version::varchar is null or $version::varchar in (sessions.first_version, sessions.last_version))
    and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
    and ($min_usd::decimal(38, 12) is null or sessions.billed_usd >= $min_usd::decimal(38, 12))
    and ($tags::varchar[] is null or list_has_any($tags::varchar[], annotations.tags))
