-- lineages: runs of requests in which each prompt extends the one before.
-- grain: one row per lineage of a thread
-- key:   source_id, session_id, thread_id, lineage_index
-- reads: ledger_lineages
-- note:  a change of model is no cut; copied history belongs to the lineage without cost

select
    source_id,  -- shard
    session_id,  -- session
    thread_id,  -- subagent; empty on the main thread
    lineage_index,  -- position in its thread, from 0
    cut,  -- why it began: start, compact, clear, rewind or collapse
    truth,  -- where order and content come from: exact, snapshot or inferred
    first_request_id,  -- first request
    last_request_id,  -- last request
    requests_count,  -- requests, copied ones included
    segments_count,  -- runs in which no block changed its size
    shrinks_count,  -- times the prompt lost tokens without a cut
    static_tokens  -- system prompt and tools at its beginning
from ledger_lineages
