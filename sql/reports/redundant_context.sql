-- redundant_context: overhead that sessions and subagents paid again: the same prompt, schema, memory file or listing.
-- grain: one row per text of overhead in a project that more than one thread held
-- key:   project, kind, name, text_key
-- reads: blocks, sessions, event_lines, requests
-- note:  a text is known by its hash. What no line shows is known by its size alone: it is only held to be alike where the
--        client's version, the model and the folder are the same too, and stands apart. What the client attached bears the
--        client's word for it. What was paid again is all but the dearest copy: a fork, a longer session or a shared prefix spares at most that. Where persons
--        are not to be named, projects are told by `shown_path`

-- Where schemas stand apart, what is left of the prefix is the system prompt alone.
with session_schemas as (
    select distinct
        source_id,
        session_id
    from blocks
    where kind = 'tool_schema'
),

overhead as (
    select
        case
            when $names_persons then sessions.project
            else shown_project(sessions.project, sessions.project_path, sessions.owner)
        end as project,
        blocks.kind,
        case
            when blocks.kind = 'system' and coalesce(blocks.label, '') = '' and session_schemas.session_id is not null
                then 'system prompt'
            when blocks.kind = 'memory' and event_lines.subtype = 'instructions' then 'CLAUDE.md and other memory files'
            else coalesce(
                nullif(blocks.label, ''), nullif(regexp_extract(coalesce(blocks.path, ''), '[^/\\]+$'), ''),
                replace(regexp_replace(event_lines.subtype, '_delta$', ''), '_', ' '), blocks.kind
            )
        end as name,
        blocks.content_hash is not null as is_same_text,
        case when blocks.agent_id is null then 'main' else 'subagent' end as whose,
        case when blocks.content_hash is null then requests.client_version end as client_version,
        case when blocks.content_hash is null then requests.model end as model,
        case when blocks.content_hash is null then sessions.project_path end as folder,
        coalesce(
            blocks.content_hash,
            concat_ws(', ', round(blocks.size_tokens / 1000) || ' k', whose, requests.client_version, requests.model)
        ) as text_key,
        blocks.source_id,
        blocks.session_id,
        coalesce(blocks.agent_id, '') as thread_id,
        blocks.size_tokens,
        blocks.cache_read_tokens + blocks.cache_write_1h_tokens + blocks.cache_write_5m_tokens + blocks.uncached_tokens as tokens,
        blocks.lifetime_usd
    from blocks
    inner join sessions
        on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
    left join session_schemas
        on blocks.source_id = session_schemas.source_id and blocks.session_id = session_schemas.session_id
    left join requests
        on blocks.source_id = requests.source_id and blocks.first_request_id = requests.request_id
    left join event_lines
        on
            blocks.file_id = event_lines.file_id
            and blocks.offset_bytes = event_lines.offset_bytes
            and event_lines.type = 'attachment'
    where
        blocks.kind in ('system', 'tool_schema', 'memory', 'listing', 'reminder')
        and blocks.size_tokens > 0
        and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
        and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
        and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
),

-- Copies within one thread are C9; here a thread counts once.
threads as (
    select
        project,
        kind,
        name,
        text_key,
        is_same_text,
        whose,
        client_version,
        model,
        folder,
        source_id,
        session_id,
        thread_id,
        max(size_tokens) as size_tokens,
        sum(tokens) as tokens,
        sum(lifetime_usd) as lifetime_usd
    from overhead
    group by all
)

select
    project,  -- project
    kind,  -- kind of content
    name,  -- tool, file, or kind
    text_key,  -- what makes it the same text, or one of about the same size
    is_same_text,  -- shown to be the same text; else of about the same size, client version, model and folder
    min(whose) as whose,  -- main or subagent: of whom it was where only its size is known; of a text, of any of its threads
    client_version,  -- where only its size is known
    model,  -- likewise
    count(distinct (source_id, session_id))::bigint as sessions_count,  -- sessions that held it
    (count(*) filter (where thread_id <> ''))::bigint as subagents_count,  -- subagents that held it
    max(size_tokens)::bigint as size_tokens,  -- tokens of one copy
    sum(tokens)::bigint as tokens,  -- tokens billed for all copies, in all prompts
    sum(lifetime_usd) as lifetime_usd,  -- US dollars of all copies; null when nothing is priced
    sum(lifetime_usd) - max(lifetime_usd) as again_usd  -- US dollars of all but the dearest
from threads
group by project, kind, name, text_key, is_same_text, client_version, model, folder
having count(*) > 1
qualify row_number() over (partition by is_same_text order by again_usd desc nulls last, project, kind, name, text_key) <= $limit
order by is_same_text desc, again_usd desc nulls last, project, kind, name, text_key
