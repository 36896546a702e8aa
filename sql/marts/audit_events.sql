-- audit_events: risky actions: calls that match a rule, secrets that were taken out, permission modes that ask nobody.
-- grain: one row per call and rule, per redacted line and rule of redaction, and per change into such a mode
-- key:   source_id, session_id, event_index
-- reads: audit_matches, int_blocks, int_session_lines, redactions, stg_event_lines, sessions
-- note:  a call's outcome is that of the whole call, also where a part of a compound command matches; a mode line has
--        no time of its own, so that it gets that of the next line of its file

with results as (
    select
        source_id,
        session_id,
        tool_use_id,
        bool_or(coalesce(is_error, false)) as is_error,
        any_value(preview) as preview
    from int_blocks
    where kind = 'tool_result' and tool_use_id is not null
    group by all
),

call_events as (
    select
        audit_matches.source_id,
        audit_matches.session_id,
        calls.turn_index,
        calls.block_index,
        calls.agent_id,
        calls.logged_at as happened_at,
        audit_matches.class,
        audit_matches.rule,
        audit_matches.severity,
        calls.tool_name,
        audit_matches.command,
        audit_matches.target,
        audit_matches.effect,
        case
            when results.tool_use_id is null then 'unknown'
            when regexp_matches(
                results.preview,
                '(?i)^(<tool_use_error>)?(the user doesn''t want to |this (bash )?command (requires|contains)'
                || '|claude requested permissions? |permission (to use|for) .* (denied|auto-denied)'
                || '|permission to use|user rejected|user denied|.{0,200}was blocked\. for security)'
            ) and results.is_error then 'denied'
            when results.is_error then 'failed'
            when results.preview like 'Command running in background%' then 'unknown'
            else 'succeeded'
        end as outcome,
        calls.file_id,
        calls.offset_bytes,
        audit_matches.rule_version
    from audit_matches
    inner join int_blocks as calls
        on
            audit_matches.source_id = calls.source_id
            and audit_matches.session_id = calls.session_id
            and audit_matches.block_index = calls.block_index
    left join results
        on
            calls.source_id = results.source_id
            and calls.session_id = results.session_id
            and calls.tool_use_id = results.tool_use_id
),

redacted_lines as (
    select
        source_id,
        file_id,
        offset_bytes,
        rule,
        count(*) as spans_count
    from redactions
    group by all
),

first_blocks as (
    select
        source_id,
        session_id,
        file_id,
        offset_bytes,
        min_by(block_index, line_block_index) as block_index,
        min_by(tool_name, line_block_index) as tool_name,
        min_by(kind, line_block_index) as kind,
        min_by(agent_id, line_block_index) as agent_id
    from int_blocks
    group by all
),

secret_events as (
    select
        lines.source_id,
        lines.session_id,
        lines.turn_index,
        first_blocks.block_index,
        coalesce(first_blocks.agent_id, lines.agent_id) as agent_id,
        lines.logged_at as happened_at,
        'secret' as class,
        'redacted_' || redacted_lines.rule as rule,
        'risk' as severity,
        first_blocks.tool_name,
        'in a ' || replace(coalesce(first_blocks.kind, lines.type), '_', ' ') as command,
        null::varchar as target,
        'a secret stood in the log; it was taken out' as effect,
        'succeeded' as outcome,
        lines.file_id,
        lines.offset_bytes,
        '1' as rule_version
    from redacted_lines
    inner join int_session_lines as lines
        on
            redacted_lines.source_id = lines.source_id
            and redacted_lines.file_id = lines.file_id
            and redacted_lines.offset_bytes = lines.offset_bytes
    left join first_blocks
        on
            lines.source_id = first_blocks.source_id
            and lines.session_id = first_blocks.session_id
            and lines.file_id = first_blocks.file_id
            and lines.offset_bytes = first_blocks.offset_bytes
    where not lines.is_inherited
),

modes as (
    select
        source_id,
        session_id,
        file_id,
        offset_bytes,
        payload ->> 'permissionMode' as mode,
        lag(payload ->> 'permissionMode') over (partition by source_id, session_id, file_id order by offset_bytes) as mode_before
    from stg_event_lines
    where type = 'permission-mode'
),

timed_lines as (
    select
        source_id,
        session_id,
        file_id,
        offset_bytes,
        turn_index,
        logged_at
    from int_session_lines
    where logged_at is not null
),

mode_events as (
    select
        modes.source_id,
        modes.session_id,
        timed_lines.turn_index,
        null::bigint as block_index,
        null::varchar as agent_id,
        timed_lines.logged_at as happened_at,
        'permission_bypass' as class,
        'mode_' || modes.mode as rule,
        case modes.mode when 'bypassPermissions' then 'risk' else 'notice' end as severity,
        null::varchar as tool_name,
        'permission mode ' || modes.mode as command,
        null::varchar as target,
        case modes.mode
            when 'bypassPermissions' then 'nothing is asked for any more'
            else 'some things are no longer asked for'
        end as effect,
        'succeeded' as outcome,
        modes.file_id,
        modes.offset_bytes,
        '1' as rule_version
    from modes
    asof left join timed_lines
        on
            modes.source_id = timed_lines.source_id
            and modes.session_id = timed_lines.session_id
            and modes.file_id = timed_lines.file_id
            and modes.offset_bytes <= timed_lines.offset_bytes
    where modes.mode in ('bypassPermissions', 'dontAsk', 'auto') and modes.mode is distinct from modes.mode_before
),

events as (
    select * from call_events
    union all by name
    select * from secret_events
    union all by name
    select * from mode_events
)

select
    events.source_id,  -- shard
    events.session_id,  -- session
    row_number() over (
        partition by events.source_id, events.session_id
        order by events.happened_at nulls last, events.file_id, events.offset_bytes, events.block_index, events.rule
    ) - 1 as event_index,  -- position among the session's events, from 0
    sessions.owner,  -- person
    sessions.project,  -- project
    events.turn_index::bigint as turn_index,  -- turn
    events.block_index::bigint as block_index,  -- block of the call, or the first on the line; null where a line has none
    events.agent_id,  -- subagent, if any
    events.happened_at,  -- time
    events.class,  -- deploy, production, configuration, force_push, deletion, publishing, secret, permission_bypass, upload
    events.rule,  -- rule that matched
    events.severity,  -- risk or notice
    events.tool_name,  -- tool called
    events.command,  -- command or path that matched, redacted
    events.target,  -- what it acted on, one to a line
    events.effect,  -- what it does
    events.outcome,  -- succeeded, failed, denied or unknown
    events.file_id,  -- line it stands on
    events.offset_bytes,  -- line it stands on
    events.rule_version  -- version of the rules
from events
inner join sessions on events.source_id = sessions.source_id and events.session_id = sessions.session_id
