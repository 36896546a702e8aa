-- session_events: the blocks of a session in order, with what had been billed when each appeared.
-- grain: one row per block
-- key:   event_index
-- reads: blocks, requests
-- note:  a response is counted at its first own block; one that left no block, at the block before it in time,
--        so that the last running total is the total of the session

with session_blocks as (
    select *
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and file_id is not null -- what no line shows is no event
),

session_requests as (
    select *
    from requests
    where source_id = $source_id and session_id = $session_id
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

placed_requests as (
    select
        session_requests.*,
        coalesce(
            first_blocks.block_index,
            blocks_in_time.block_index,
            (select min(block_index) from session_blocks)
        ) as block_index
    from session_requests
    left join first_blocks on session_requests.request_id = first_blocks.request_id
    asof left join blocks_in_time on session_requests.started_at >= blocks_in_time.logged_at
),

block_bills as (
    select
        block_index,
        count(*) as requests_count,
        list(request_id order by request_index) as counted_request_ids,
        max(model) as model,
        max(prompt_tokens) as prompt_tokens,
        sum(uncached_input_tokens) as uncached_input_tokens,
        sum(cache_write_5m_tokens + cache_write_1h_tokens) as cache_write_tokens,
        sum(cache_read_tokens) as cache_read_tokens,
        sum(output_tokens) as output_tokens,
        bool_or(is_output_floor) as is_output_floor,
        sum(billed_usd) as billed_usd,
        count(*) - count(billed_usd) as unpriced_requests_count
    from placed_requests
    group by block_index
),

gaps as (
    select
        block_index,
        agent_id,
        kind,
        file_id,
        offset_bytes,
        line_block_index,
        greatest(0, coalesce(epoch(logged_at) - epoch(lag(logged_at) over in_order), 0)) as gap_seconds
    from session_blocks
    window in_order as (order by block_index)
),

-- What runs over all events is worked out on a few columns: carrying texts and paths through it would cost the most.
running as (
    select
        gaps.block_index,
        gaps.gap_seconds,
        sum(least(gaps.gap_seconds, $idle_seconds)) over in_order as replay_seconds,
        case
            when gaps.kind = 'image' then count(*) filter (gaps.kind = 'image') over in_line - 1
        end as line_image_index,
        last_value(block_bills.prompt_tokens ignore nulls) over in_lane as context_tokens,
        sum(block_bills.billed_usd) over in_order as running_usd,
        coalesce(sum(block_bills.requests_count) over in_order, 0)::bigint as running_requests_count,
        coalesce(sum(block_bills.unpriced_requests_count) over in_order, 0)::bigint as running_unpriced_count,
        coalesce(sum(block_bills.uncached_input_tokens) over in_order, 0)::bigint as running_uncached_input_tokens,
        coalesce(sum(block_bills.cache_write_tokens) over in_order, 0)::bigint as running_cache_write_tokens,
        coalesce(sum(block_bills.cache_read_tokens) over in_order, 0)::bigint as running_cache_read_tokens,
        coalesce(sum(block_bills.output_tokens) over in_order, 0)::bigint as running_output_tokens
    from gaps
    left join block_bills on gaps.block_index = block_bills.block_index
    window
        in_order as (order by gaps.block_index rows unbounded preceding),
        in_line as (
            partition by gaps.file_id, gaps.offset_bytes
            order by gaps.line_block_index
            rows unbounded preceding
        ),
        in_lane as (
            partition by coalesce(gaps.agent_id, '')
            order by gaps.block_index
            rows unbounded preceding
        )
)

select
    session_blocks.block_index as event_index,  -- position in the session, from 0
    session_blocks.turn_index,  -- turn
    session_blocks.logged_at,  -- time
    -- Replay clock: pauses longer than $idle_seconds are cut to it.
    running.replay_seconds,
    running.gap_seconds,  -- seconds since the block before
    session_blocks.agent_id,  -- subagent; null on the main thread
    session_blocks.role,  -- user, assistant, system or attachment
    session_blocks.kind,  -- what it is
    session_blocks.tool_name,  -- tool, on calls and results
    session_blocks.tool_use_id,  -- joins call and result
    session_blocks.path,  -- file the call names
    session_blocks.range_start,  -- first line read or written, from 1
    session_blocks.is_error,  -- a failed result
    session_blocks.is_inherited,  -- copied from another session, paid there
    session_blocks.text_bytes,  -- UTF-8 bytes
    running.line_image_index,  -- of a picture, its place among those of its line, from 0
    session_blocks.image_width,  -- pixels
    session_blocks.image_height,  -- pixels
    session_blocks.content_hash,  -- key of contents
    session_blocks.preview,  -- first 200 characters
    session_blocks.file_id,  -- line it stands on
    session_blocks.offset_bytes,  -- line it stands on
    session_blocks.request_id,  -- response it was part of
    block_bills.model,  -- model of the response counted here
    block_bills.uncached_input_tokens::bigint as uncached_input_tokens,  -- tokens billed here; null when nothing is
    block_bills.cache_write_tokens::bigint as cache_write_tokens,  -- tokens billed here
    block_bills.cache_read_tokens::bigint as cache_read_tokens,  -- tokens billed here
    block_bills.output_tokens::bigint as output_tokens,  -- tokens billed here, as logged
    block_bills.is_output_floor,  -- its output is a lower bound
    block_bills.billed_usd,  -- US dollars billed here; null without a price
    block_bills.requests_count,  -- responses counted here
    block_bills.counted_request_ids,  -- which these are
    running.context_tokens,  -- prompt last sent on its thread
    running.running_usd,  -- US dollars so far
    running.running_requests_count,  -- responses so far
    running.running_unpriced_count,  -- of these without a price
    running.running_uncached_input_tokens,  -- so far
    running.running_cache_write_tokens,  -- so far
    running.running_cache_read_tokens,  -- so far
    running.running_output_tokens  -- so far
from session_blocks
inner join running on session_blocks.block_index = running.block_index
left join block_bills on session_blocks.block_index = block_bills.block_index
order by event_index
