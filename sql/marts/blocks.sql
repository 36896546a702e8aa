-- blocks: what stands in each session's context, block by block, and what each cost over its life.
-- grain: one row per content block of a session, whatever number of lines repeat it, and one per block that no line
--        shows: system prompt, tool schemas, what came in between
-- key:   source_id, session_id, block_index
-- reads: int_blocks, int_ledger_slots, ledger_blocks
-- note:  blocks that no line shows come after the others; their first request says where they entered

with hidden as (
    select
        ledger_blocks.*,
        int_ledger_slots.block_index as numbered_index
    from ledger_blocks
    inner join int_ledger_slots on ledger_blocks.slot_index = int_ledger_slots.slot_index
    where ledger_blocks.block_index is null
),

-- A session without any price has no costs, and says so.
priced as (
    select
        source_id,
        session_id,
        bool_or(is_priced) as is_priced
    from ledger_blocks
    group by all
),

all_blocks as (
    select
        int_blocks.source_id,
        int_blocks.session_id,
        int_blocks.block_index,
        int_blocks.turn_index,
        int_blocks.file_id,
        int_blocks.offset_bytes,
        int_blocks.line_block_index,
        int_blocks.uuid,
        int_blocks.agent_id,
        int_blocks.is_sidechain,
        int_blocks.is_inherited,
        int_blocks.request_id,
        int_blocks.logged_at,
        int_blocks.role,
        int_blocks.kind,
        int_blocks.tool_name,
        int_blocks.tool_use_id,
        int_blocks.mcp_server,
        int_blocks.path,
        int_blocks.range_start,
        int_blocks.range_lines,
        int_blocks.is_error,
        int_blocks.text_bytes,
        int_blocks.text_chars,
        int_blocks.image_width,
        int_blocks.image_height,
        int_blocks.content_hash,
        int_blocks.preview,
        int_blocks.signature_bytes,
        int_blocks.parameters_count,
        '' as label,
        ledger_blocks.* exclude (source_id, session_id, thread_id, block_index, kind, label, turn_index)
    from int_blocks
    left join ledger_blocks
        on
            int_blocks.source_id = ledger_blocks.source_id
            and int_blocks.session_id = ledger_blocks.session_id
            and int_blocks.block_index = ledger_blocks.block_index
    union all by name
    select
        hidden.source_id,
        hidden.session_id,
        hidden.numbered_index as block_index,
        hidden.turn_index,
        nullif(hidden.thread_id, '') as agent_id,
        hidden.thread_id <> '' as is_sidechain,
        false as is_inherited,
        to_timestamp(hidden.logged_seconds) as logged_at,
        'system' as role,
        case when hidden.kind = 'tool_schema' then nullif(hidden.label, '') end as tool_name,
        nullif(regexp_extract(hidden.label, '^mcp__(.+?)__', 1), '') as mcp_server,
        hidden.* exclude (
            source_id, session_id, thread_id, block_index, turn_index, numbered_index
        )
    from hidden
)

select
    all_blocks.source_id,  -- shard
    all_blocks.session_id,  -- session
    all_blocks.block_index,  -- position in its session by time and place, from 0
    all_blocks.turn_index,  -- turn
    all_blocks.file_id,  -- line it stands on
    all_blocks.offset_bytes,  -- line it stands on
    all_blocks.line_block_index,  -- position on that line
    all_blocks.uuid,  -- uuid of the line
    all_blocks.agent_id,  -- subagent, if any
    all_blocks.is_sidechain,  -- belongs to a subagent
    all_blocks.is_inherited,  -- copied here from another session
    all_blocks.request_id,  -- response it was part of
    all_blocks.logged_at,  -- time
    all_blocks.role,  -- user, assistant, system or attachment
    all_blocks.kind,  -- prompt, thinking, text, tool_call, tool_result, ...
    all_blocks.tool_name,  -- tool, on calls and results
    all_blocks.tool_use_id,  -- joins call and result
    all_blocks.mcp_server,  -- server of an mcp__ tool
    all_blocks.path,  -- file the call names, on calls and results
    all_blocks.range_start,  -- first line, from 1
    all_blocks.range_lines,  -- number of lines
    all_blocks.is_error,  -- a result flagged as an error
    all_blocks.text_bytes,  -- UTF-8 bytes
    all_blocks.text_chars,  -- characters
    all_blocks.image_width,  -- pixels
    all_blocks.image_height,  -- pixels
    all_blocks.content_hash,  -- key of contents
    all_blocks.preview,  -- first 200 characters
    all_blocks.signature_bytes,  -- length of a thinking block's signature
    all_blocks.parameters_count,  -- top-level parameters of a tool call
    all_blocks.label,  -- name of a block that no line shows
    all_blocks.lineage_index,  -- lineage of its thread that brought it in
    all_blocks.size_tokens,  -- tokens in the first prompt that held it
    all_blocks.size_class,  -- exact, estimated or residual
    all_blocks.size_low_tokens,  -- tokens, lower end
    all_blocks.size_high_tokens,  -- tokens, upper end
    all_blocks.first_request_id,  -- first request whose prompt held it
    all_blocks.last_request_id,  -- last request whose prompt held it
    coalesce(all_blocks.carried_requests_count, 0) as carried_requests_count,  -- prompts that held it whole
    coalesce(all_blocks.cache_read_tokens, 0) as cache_read_tokens,  -- tokens over all prompts, read
    coalesce(all_blocks.cache_write_1h_tokens, 0) as cache_write_1h_tokens,  -- tokens, written for an hour
    coalesce(all_blocks.cache_write_5m_tokens, 0) as cache_write_5m_tokens,  -- tokens, written for five minutes
    coalesce(all_blocks.uncached_tokens, 0) as uncached_tokens,  -- tokens at the input price
    coalesce(all_blocks.missed_tokens, 0) as missed_tokens,  -- tokens that should have been read
    coalesce(all_blocks.output_tokens, 0) as output_tokens,  -- output tokens, as logged
    coalesce(all_blocks.unlogged_output_tokens, 0) as unlogged_output_tokens,  -- output tokens that the log lost, best estimate
    case when priced.is_priced then cast(coalesce(all_blocks.content_picodollars, 0) as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as content_usd,  -- US dollars, content lane
    case when priced.is_priced then cast(coalesce(all_blocks.cache_picodollars, 0) as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as cache_excess_usd,  -- US dollars, cache lane
    case when priced.is_priced then cast(coalesce(all_blocks.premium_picodollars, 0) + coalesce(all_blocks.output_premium_picodollars, 0) as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as premium_usd,  -- US dollars, premium lane
    case when priced.is_priced then cast(coalesce(all_blocks.output_picodollars, 0) as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as output_usd,  -- US dollars, output at standard prices
    case when priced.is_priced then cast(
            coalesce(all_blocks.content_picodollars, 0)
            + coalesce(all_blocks.cache_picodollars, 0)
            + coalesce(all_blocks.premium_picodollars, 0)
            + coalesce(all_blocks.output_picodollars, 0)
            + coalesce(all_blocks.output_premium_picodollars, 0)
         as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as lifetime_usd,  -- US dollars, all of it
    case when priced.is_priced then cast(coalesce(all_blocks.unlogged_output_picodollars, 0) as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as unlogged_output_usd  -- US dollars, best estimate of the lost output
from all_blocks
left join priced on all_blocks.source_id = priced.source_id and all_blocks.session_id = priced.session_id
