-- comparison_sessions: the sessions that pass the conditions of a group; null is no condition.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: session_comparison

select *
from session_comparison
where
    ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($branches::varchar[] is null or list_contains($branches::varchar[], git_branch))
    and ($models::varchar[] is null or list_bool_or([starts_with(model, one) for one in $models::varchar[]]))
    and (
        $versions::varchar[] is null
        or list_bool_or([
            client_version = one or starts_with(client_version, one || '.') for one in $versions::varchar[]
        ])
    )
    and (
        $instructions::varchar[] is null
        or list_bool_or([starts_with(instructions_hash, one) for one in $instructions::varchar[]])
    )
    and ($sessions::varchar[] is null or list_bool_or([starts_with(session_id, one) for one in $sessions::varchar[]]))
    and ($prompt::varchar is null or contains(lower(prompt), lower($prompt::varchar)))
    and ($pattern::varchar is null or regexp_matches(prompt, $pattern::varchar, 'i'))
    and ($tagged::varchar[] is null or list_contains($tagged::varchar[], source_id || '/' || session_id))
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
order by started_at, source_id, session_id
