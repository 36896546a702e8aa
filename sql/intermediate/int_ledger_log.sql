-- int_ledger_log: request log and prompt snapshots of the sessions that have them, with the lines that messages are made of.
-- grain: one row per such line
-- key:   file_id, offset_bytes
-- reads: stg_event_lines, lines, stg_source_files
-- note:  clients write snapshots from 2.1.270 on and the request log from 2.1.300 on; others give no rows

with logged_sessions as (
    select distinct
        source_id,
        session_id
    from stg_event_lines
    where type = 'api-request'
)

select
    stg_event_lines.source_id,  -- shard
    stg_event_lines.session_id,  -- session
    stg_event_lines.path,  -- file
    stg_event_lines.offset_bytes,  -- place
    true as is_event,  -- a line of the request log itself
    stg_event_lines.payload  -- the line as JSON
from stg_event_lines
where
    stg_event_lines.type in ('api-request', 'api-request-shape', 'api-request-blob')
    or stg_event_lines.subtype = 'prompt_snapshot'
union all
select
    lines.source_id,
    lines.session_id,
    stg_source_files.path,
    lines.offset_bytes,
    false as is_event,
    lines.raw as payload
from lines
semi join logged_sessions
    on
        lines.source_id = logged_sessions.source_id
        and lines.session_id = logged_sessions.session_id
inner join stg_source_files on lines.file_id = stg_source_files.file_id
where lines.type in ('user', 'assistant', 'attachment')
