-- int_ledger_log: request log and prompt snapshots of the sessions that have them.
-- grain: one row per such line
-- key:   file_id, offset_bytes
-- reads: stg_event_lines
-- note:  clients write snapshots from 2.1.270 on and the request log from 2.1.300 on; others give no rows. The lines that
--        its messages are made of are read by the ledger, of those files alone: raw lines are the bulk of the lake

select
    source_id,  -- shard
    session_id,  -- session
    file_id,  -- file generation
    path,  -- file
    offset_bytes,  -- place
    type = 'api-request' as is_request,  -- an attempt; messages are needed to rebuild it
    payload  -- the line as JSON
from stg_event_lines
where
    type in ('api-request', 'api-request-shape', 'api-request-blob')
    or subtype = 'prompt_snapshot'
