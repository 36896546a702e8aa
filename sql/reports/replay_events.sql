-- replay_events: the blocks of a session in order, with what a replay draws of each.
-- grain: one row per block
-- key:   event_index
-- reads: blocks
-- note:  no texts and no sums: a player adds up what replay_bills says, and asks for texts as it goes

select
    block_index as event_index,  -- position in the session, from 0
    turn_index,  -- turn
    logged_at,  -- time
    -- Milliseconds since the block before.
    cast(
        round(1000 * greatest(0, coalesce(epoch(logged_at) - epoch(lag(logged_at) over (order by block_index)), 0))) as bigint
    ) as gap_ms,
    agent_id,  -- subagent; null on the main thread
    kind,  -- what it is
    tool_name,  -- tool, on calls and results
    tool_use_id,  -- joins call and result
    path,  -- file the call names
    is_error,  -- a failed result
    is_inherited,  -- copied from another session, paid there
    case when path is null then preview end as preview  -- first 200 characters, where no file says more
from blocks
where
    source_id = $source_id
    and session_id = $session_id
    and file_id is not null -- what no line shows is no event
order by event_index
