-- tool_cost: how often each tool was called, what it brought into the context, what asking for it cost.
-- grain: one row per tool used in a session
-- key:   source_id, session_id, tool_name
-- reads: blocks, requests, int_sessions, waste
-- note:  a response that makes several calls is shared equally over them; the picodollars that do not divide
--        go to its first calls, so that shares add up to the response

with own_blocks as (
    select *
    from blocks
    where
        not is_inherited
        and tool_name is not null
        and kind in ('tool_call', 'tool_result')
),

calls as (
    select
        own_blocks.source_id,
        own_blocks.session_id,
        own_blocks.tool_name,
        own_blocks.request_id,
        requests.billed_picodollars,
        count(*) over response as response_calls,
        row_number() over (response order by own_blocks.block_index) as call_rank
    from own_blocks
    left join requests
        on own_blocks.source_id = requests.source_id and own_blocks.request_id = requests.request_id
    where own_blocks.kind = 'tool_call'
    window response as (partition by own_blocks.source_id, own_blocks.session_id, own_blocks.request_id)
),

shares as (
    select
        source_id,
        session_id,
        tool_name,
        count(distinct request_id) as requests_count,
        sum(
            billed_picodollars // response_calls
            + case when call_rank <= billed_picodollars % response_calls then 1 else 0 end
        ) as requesting_picodollars
    from calls
    group by all
),

counts as (
    select
        source_id,
        session_id,
        tool_name,
        any_value(mcp_server) as mcp_server,
        count(*) filter (where kind = 'tool_call') as calls_count,
        count(*) filter (where kind = 'tool_result' and is_error) as errors_count,
        cast(coalesce(sum(text_bytes) filter (where kind = 'tool_call'), 0) as bigint) as call_bytes,
        cast(coalesce(sum(text_bytes) filter (where kind = 'tool_result'), 0) as bigint) as result_bytes,
        cast(coalesce(sum(output_tokens), 0) as bigint) as output_tokens,
        cast(coalesce(sum(size_tokens) filter (where kind = 'tool_result'), 0) as bigint) as result_tokens,
        sum(lifetime_usd) as lifetime_usd
    from own_blocks
    group by all
),

-- What findings cost in which it was used, turns that were needless with them; hints count nowhere.
wasted as (
    select
        source_id,
        session_id,
        tool_name,
        sum(waste_usd) as waste_usd
    from waste
    where
        not is_hint
        and tool_name is not null
    group by all
)

select
    counts.source_id,  -- shard
    counts.session_id,  -- session
    int_sessions.owner,  -- person
    int_sessions.project,  -- project
    counts.tool_name,  -- tool
    counts.mcp_server,  -- server of an mcp__ tool
    counts.calls_count,  -- calls made here
    counts.errors_count,  -- results flagged as errors
    counts.call_bytes,  -- bytes of the inputs the model wrote
    counts.result_bytes,  -- bytes of the results the model saw
    coalesce(shares.requests_count, 0) as requests_count,  -- responses that called it
    cast(shares.requesting_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12))
        as requesting_usd,  -- US dollars of those responses, divided over their calls
    counts.output_tokens,  -- output tokens billed for writing the calls
    counts.result_tokens,  -- tokens of the results when they entered the context
    counts.lifetime_usd,  -- US dollars of calls and results from first to last; null when unpriced
    case when counts.lifetime_usd is not null then coalesce(wasted.waste_usd, 0) end as waste_usd  -- US dollars of findings with it
from counts
left join shares
    on
        counts.source_id = shares.source_id
        and counts.session_id = shares.session_id
        and counts.tool_name = shares.tool_name
left join wasted
    on
        counts.source_id = wasted.source_id
        and counts.session_id = wasted.session_id
        and counts.tool_name = wasted.tool_name
left join int_sessions
    on counts.source_id = int_sessions.source_id and counts.session_id = int_sessions.session_id
