-- ledger_blocks: the most expensive blocks of a session, the dearest first.
-- grain: one row per block
-- key:   block_index
-- reads: blocks
-- note:  event_number is the place in the replay, from 1; null for what no line shows

with numbered as (
    select
        *,
        case
            when file_id is not null
                then count(*) filter (where file_id is not null) over (order by block_index rows unbounded preceding)
        end as event_number
    from blocks
    where source_id = $source_id and session_id = $session_id
)

select
    block_index,  -- position in the session
    event_number,  -- place in the replay
    turn_index,  -- turn
    agent_id,  -- subagent; null on the main thread
    logged_at,  -- time
    role,  -- user, assistant, system or attachment
    kind,  -- kind of content
    label,  -- name of a block that no line shows
    tool_name,  -- tool
    mcp_server,  -- MCP server
    path,  -- file the call names
    range_start,  -- first line read
    range_lines,  -- lines read
    is_error,  -- a failed result
    is_inherited,  -- copied from another session
    preview,  -- first 200 characters
    content_hash,  -- key of contents
    text_bytes,  -- UTF-8 bytes
    image_width,  -- pixels
    image_height,  -- pixels
    file_id,  -- line it stands on
    offset_bytes,  -- line it stands on
    size_tokens,  -- tokens in the first prompt that held it
    size_class,  -- exact, estimated or residual
    size_low_tokens,  -- lower end
    size_high_tokens,  -- upper end
    carried_requests_count,  -- prompts that held it whole
    missed_tokens,  -- tokens that should have been read from cache
    output_tokens,  -- output billed for writing it
    content_usd,  -- content lane
    cache_excess_usd,  -- cache lane
    premium_usd,  -- premium lane
    output_usd,  -- output
    lifetime_usd,  -- US dollars from first to last
    unlogged_output_usd  -- on top, for output that the log lost
from numbered
where size_tokens is not null or output_tokens > 0
order by lifetime_usd desc nulls last, size_tokens desc nulls last, block_index
limit $limit
