-- stg_lines: the lines of the sessions being built, without their JSON.
-- grain: one row per complete line of a current file, in a session of the scope
-- key:   file_id, offset_bytes
-- reads: lines, stg_source_files, scope_sessions
-- note:  copies of a line in other files are still here; int_session_lines keeps one

select
    lines.source_id,  -- shard
    lines.session_id,  -- session of the line
    lines.file_id,  -- file generation
    stg_source_files.path,  -- path of the file
    lines.offset_bytes,  -- where the line begins
    lines.line_hash,  -- keyed hash of its original bytes
    lines.type,  -- line type as logged
    lines.subtype,  -- system subtype, attachment type, progress kind or queue operation
    lines.agent_id,  -- subagent that wrote it
    lines.uuid,  -- identity of the line, where it has one
    lines.parent_uuid,  -- line it follows
    lines.logged_at,  -- timestamp
    lines.client_version,  -- client that wrote it
    coalesce(lines.is_sidechain, false) as is_sidechain,  -- written by a subagent
    coalesce(lines.is_meta, false) as is_meta,  -- made by the client
    coalesce(lines.is_compact_summary, false) as is_compact_summary,  -- summary that replaced a context
    lines.cwd,  -- working directory
    lines.git_branch,  -- branch checked out then
    lines.message_id,  -- API message id of an assistant line
    nullif(lines.forked_from_session_id, lines.session_id) as forked_from_session_id  -- session it was copied from
from lines
semi join scope_sessions
    on lines.source_id = scope_sessions.source_id and lines.session_id = scope_sessions.session_id
inner join stg_source_files on lines.file_id = stg_source_files.file_id
