-- replay_places: at which block each response of a session is counted.
-- grain: one row per response
-- key:   request_id
-- reads: blocks, requests
-- note:  at its first own block; one that left no block, at the block before it in time, as session_events does

with session_blocks as (
    select
        block_index,
        request_id,
        is_inherited,
        logged_at
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and file_id is not null
),

first_blocks as (
    select request_id, min(block_index) as block_index
    from session_blocks
    where request_id is not null and not is_inherited
    group by request_id
),

blocks_in_time as (
    select logged_at, max(block_index) as block_index
    from session_blocks
    where logged_at is not null
    group by logged_at
),

session_requests as (
    select
        request_id,
        request_index,
        started_at
    from requests
    where source_id = $source_id and session_id = $session_id
)

select
    session_requests.request_id,  -- response
    -- Position in the session, from 0; null where the session shows nothing.
    coalesce(
        first_blocks.block_index,
        blocks_in_time.block_index,
        (select min(block_index) from session_blocks)
    ) as event_index
from session_requests
left join first_blocks on session_requests.request_id = first_blocks.request_id
asof left join blocks_in_time on session_requests.started_at >= blocks_in_time.logged_at
order by event_index, session_requests.request_index
