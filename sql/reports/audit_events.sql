-- audit_events: risky actions that pass every filter, newest first.
-- grain: one row per event
-- key:   source_id, session_id, event_index
-- reads: audit_events, sessions

select
    audit_events.source_id,  -- shard
    audit_events.session_id,  -- session
    audit_events.event_index,  -- position among the session's events
    audit_events.owner,  -- person
    audit_events.project,  -- project
    sessions.title,  -- title of the session
    audit_events.turn_index,  -- turn
    audit_events.block_index,  -- block; null where the line has none
    audit_events.agent_id,  -- subagent, if any
    audit_events.happened_at,  -- time
    audit_events.class,  -- class of the rule
    audit_events.rule,  -- rule that matched
    audit_events.severity,  -- risk or notice
    audit_events.tool_name,  -- tool called
    audit_events.command,  -- command or path, redacted
    audit_events.target,  -- what it acted on
    audit_events.effect,  -- what it does
    audit_events.outcome,  -- succeeded, failed, denied or unknown
    audit_events.file_id,  -- line it stands on
    audit_events.offset_bytes,  -- line it stands on
    audit_events.rule_version  -- version of the rules
from audit_events
inner join sessions
    on audit_events.source_id = sessions.source_id and audit_events.session_id = sessions.session_id
where
    ($session_ids::varchar[] is null or list_contains($session_ids::varchar[], audit_events.session_id))
    and ($classes::varchar[] is null or list_contains($classes::varchar[], audit_events.class))
    and ($outcomes::varchar[] is null or list_contains($outcomes::varchar[], audit_events.outcome))
    and ($severity::varchar is null or audit_events.severity = $severity::varchar)
    and (
        $text::varchar is null
        or contains(lower(concat_ws(' ', audit_events.command, audit_events.target)), lower($text::varchar))
    )
    and ($owners::varchar[] is null or list_contains($owners::varchar[], audit_events.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], audit_events.project))
    and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
    and ($since_at::timestamptz is null or audit_events.happened_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or audit_events.happened_at < $until_at::timestamptz)
order by audit_events.happened_at desc nulls last, audit_events.source_id, audit_events.session_id, audit_events.event_index desc
