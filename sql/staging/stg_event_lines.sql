-- stg_event_lines: lines that say something about a session being built without being part of the talk.
-- grain: one row per such line of a current file, in a session of the scope
-- key:   file_id, offset_bytes
-- reads: event_lines, stg_source_files, scope_sessions

select
    event_lines.source_id,  -- shard
    event_lines.session_id,  -- session of the line
    event_lines.file_id,  -- file generation
    stg_source_files.path,  -- path of the file
    event_lines.offset_bytes,  -- line
    event_lines.agent_id,  -- subagent, if any
    event_lines.uuid,  -- uuid of the line
    event_lines.logged_at,  -- timestamp
    event_lines.type,  -- summary, ai-title, custom-title, system, attachment, ...
    event_lines.subtype,  -- compact_boundary, turn_duration, ...
    event_lines.payload  -- the redacted line as JSON
from event_lines
semi join scope_sessions
    on event_lines.source_id = scope_sessions.source_id and event_lines.session_id = scope_sessions.session_id
inner join stg_source_files on event_lines.file_id = stg_source_files.file_id
