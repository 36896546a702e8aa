-- int_session_lines: the lines of each session, each once, in order, with turn and thread.
-- grain: one row per distinct line of a session
-- key:   source_id, session_id, line_index
-- reads: stg_lines, stg_block_lines, int_response_copies
-- note:  timestamps in a file run backwards now and then, so that inside a file the place decides; lines of
--        several files meet by the latest time that their file had reached there

with timed as (
    select
        *,
        coalesce(uuid, line_hash) as line_key,
        coalesce(
            max(logged_at) over (partition by file_id order by offset_bytes),
            min(logged_at) over (partition by file_id)
        ) as reached_at
    from stg_lines
),

-- Up to the last response that another session paid for, a file is a copy of that session's history.
copied_responses as (
    select
        file_id,
        session_id,
        owner_session_id,
        offset_bytes
    from int_response_copies
    where session_id <> owner_session_id
),

-- A copy may go on a few lines past its last response; those lines keep their uuid.
copied_lines as (
    select
        copies.file_id,
        copies.session_id,
        copies.offset_bytes
    from timed as copies
    semi join copied_responses on copies.file_id = copied_responses.file_id
    inner join timed as originals
        on copies.source_id = originals.source_id and copies.uuid = originals.uuid
    where
        (copies.session_id, originals.session_id) in (
            select
                session_id,
                owner_session_id
            from copied_responses
        )
),

copied_ends as (
    select
        file_id,
        session_id,
        max(offset_bytes) as end_offset_bytes
    from (
        select
            file_id,
            session_id,
            offset_bytes
        from copied_responses
        union all
        select
            file_id,
            session_id,
            offset_bytes
        from copied_lines
    )
    group by all
),

-- What a person said: typed text, images, slash commands; not results, reminders or what a command printed.
prompt_lines as (
    select
        file_id,
        offset_bytes
    from stg_block_lines
    where
        role = 'user'
        and not is_nested
        and not is_meta
    group by all
    having
        bool_or(
            kind in ('prompt', 'image', 'document')
            -- The command that was typed, not what it printed or the caveat above it.
            or (kind = 'command' and starts_with(preview, '<command-'))
        )
        and not bool_or(kind in ('tool_result', 'compact_summary', 'interruption'))
),

placed as (
    select
        timed.*,
        timed.forked_from_session_id is not null
        or coalesce(timed.offset_bytes <= copied_ends.end_offset_bytes, false) as is_inherited,
        prompt_lines.file_id is not null
        and timed.type = 'user'
        and timed.agent_id is null
        and not timed.is_sidechain
        and not timed.is_meta
        and not timed.is_compact_summary as is_prompt
    from timed
    left join copied_ends
        on timed.file_id = copied_ends.file_id and timed.session_id = copied_ends.session_id
    left join prompt_lines
        on timed.file_id = prompt_lines.file_id and timed.offset_bytes = prompt_lines.offset_bytes
    qualify
        row_number() over (
            partition by timed.source_id, timed.session_id, timed.agent_id, line_key
            order by timed.path, timed.offset_bytes
        ) = 1
)

select
    source_id,  -- shard
    session_id,  -- session
    row_number() over session_order - 1 as line_index,  -- position in its session, from 0
    file_id,  -- file that keeps the line; copies elsewhere are left out
    path,  -- path of that file
    offset_bytes,  -- where it begins there
    reached_at,  -- latest time seen in its file up to here
    type,  -- line type as logged
    subtype,  -- its second part
    agent_id,  -- subagent that wrote it, as logged
    uuid,  -- identity
    parent_uuid,  -- line it follows
    logged_at,  -- timestamp
    client_version,  -- client
    is_sidechain,  -- written by a subagent
    is_compact_summary,  -- summary that replaced a context
    is_inherited,  -- copied here from another session
    is_prompt,  -- a person's prompt on the main thread
    count(*) filter (where is_prompt) over session_order - 1 as turn_index,  -- turn by place; int_agents knows better for subagents
    cwd,  -- working directory
    git_branch,  -- branch checked out then
    forked_from_session_id  -- session it was copied from, as the client says
from placed
window
    session_order as (
        partition by source_id, session_id
        order by reached_at nulls first, coalesce(agent_id, ''), path, offset_bytes
        rows between unbounded preceding and current row
    )
