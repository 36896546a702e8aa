-- request_events: where in their sessions responses begin.
-- grain: one row per response that left a block of its own
-- key:   source_id, session_id, request_id
-- reads: blocks

select
    source_id,  -- shard
    session_id,  -- session
    request_id,  -- response
    min(block_index) + 1 as event_number  -- its first block, counted from 1 as in the address
from blocks
where
    list_contains($request_ids::varchar[], request_id)
    and not is_inherited
group by source_id, session_id, request_id
