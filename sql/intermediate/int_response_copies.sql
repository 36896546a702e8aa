-- int_response_copies: every copy of every billable response, and which copy owns it.
-- grain: one row per billable response on a line
-- key:   file_id, offset_bytes
-- reads: stg_response_lines, stg_lines
-- note:  a response is one message id of the source, whatever session or file repeats it. The earliest copy owns
--        it; a fork keeps the timestamps of what it copies, so that ties go to the copy that is not marked as one
--        (origin named, request id dropped), then to the session that began earlier, then to the smallest path

with billable as (
    select *
    from stg_response_lines
    where
        model is distinct from '<synthetic>'
        and not is_api_error
),

-- Without an id the line itself is the response; the same line in another file is still the same.
named as (
    select
        *,
        message_id as request_id
    from billable
    where message_id is not null
    union all
    select
        *,
        first_value(concat(file_id, ':', offset_bytes)) over (
            partition by source_id, session_id, agent_id, coalesce(uuid, concat(file_id, ':', offset_bytes))
            order by path, offset_bytes
        ) as request_id
    from billable
    where message_id is null
),

-- Only responses seen in several sessions can belong to the wrong one.
shared as (
    select
        source_id,
        request_id
    from named
    group by all
    having count(distinct session_id) > 1
),

contested_sessions as (
    select distinct
        named.source_id,
        named.session_id
    from named
    semi join shared on named.source_id = shared.source_id and named.request_id = shared.request_id
),

contested_lines as (
    select stg_lines.*
    from stg_lines
    semi join contested_sessions
        on stg_lines.source_id = contested_sessions.source_id and stg_lines.session_id = contested_sessions.session_id
),

copied_uuids as (
    select
        source_id,
        uuid
    from contested_lines
    where uuid is not null
    group by all
    having count(distinct session_id) > 1
),

session_origins as (
    select
        contested_lines.source_id,
        contested_lines.session_id,
        min(contested_lines.logged_at) as first_own_at
    from contested_lines
    anti join copied_uuids
        on contested_lines.source_id = copied_uuids.source_id and contested_lines.uuid = copied_uuids.uuid
    group by all
),

marked_lines as (
    select
        file_id,
        offset_bytes
    from contested_lines
    where forked_from_session_id is not null
),

ranked as (
    select
        named.*,
        row_number() over copies as copy_rank,
        first_value(named.session_id) over copies as owner_session_id
    from named
    left join session_origins
        on named.source_id = session_origins.source_id and named.session_id = session_origins.session_id
    left join marked_lines
        on named.file_id = marked_lines.file_id and named.offset_bytes = marked_lines.offset_bytes
    window
        copies as (
            partition by named.source_id, named.request_id
            order by
                named.logged_at nulls last,
                marked_lines.file_id is not null,
                (session_origins.session_id is not null and named.api_request_id is null),
                session_origins.first_own_at nulls first,
                named.path,
                named.offset_bytes
        )
)

select
    source_id,  -- shard
    request_id,  -- response: its message id, or file and offset of the line
    copy_rank,  -- 1 for the copy that owns it
    owner_session_id,  -- session that paid for it
    session_id,  -- session of this copy
    file_id,  -- file of this copy
    path,  -- path of that file
    offset_bytes,  -- line of this copy
    agent_id,  -- subagent, if any
    is_sidechain,  -- written by a subagent
    is_nested,  -- found inside a progress line
    uuid,  -- uuid of the line or the nested message
    logged_at,  -- timestamp
    client_version,  -- client
    model,  -- as logged
    stop_reason,  -- why it ended, if this copy knows
    is_aborted,  -- cut in mid-stream
    uncached_input_tokens,  -- as logged on this copy
    cache_write_5m_tokens,  -- as logged on this copy
    cache_write_1h_tokens,  -- as logged on this copy
    cache_read_tokens,  -- as logged on this copy
    output_tokens,  -- as logged on this copy
    thinking_tokens,  -- as logged on this copy
    has_write_split,  -- 5m and 1h are told apart on this copy
    web_search_count,  -- as logged on this copy
    tier,  -- standard or batch
    speed,  -- standard or fast
    geography,  -- global or us
    iterations,  -- JSON list of sub-calls, where it differs from the top level
    cache_miss_reason,  -- the client's own diagnosis
    request_ref  -- entry of the request log that asked for it
from ranked
