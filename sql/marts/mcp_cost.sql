-- mcp_cost: what each MCP server cost a session: its calls, and its schemas where the log shows them.
-- grain: one row per MCP server seen in a session
-- key:   source_id, session_id, mcp_server
-- reads: blocks, int_sessions, waste
-- note:  before 2.1.270 no log shows schemas; their cost is then part of the system prefix and null here

with sums as (
    select
        source_id,
        session_id,
        mcp_server,
        count(distinct tool_name) as tools_count,
        count(*) filter (where kind = 'tool_call') as calls_count,
        count(*) filter (where kind = 'tool_result' and is_error) as errors_count,
        cast(sum(size_tokens) filter (where kind = 'tool_schema') as bigint) as schema_tokens,
        cast(coalesce(sum(output_tokens), 0) as bigint) as output_tokens,
        cast(coalesce(sum(size_tokens) filter (where kind = 'tool_result'), 0) as bigint) as result_tokens,
        sum(lifetime_usd) filter (where kind <> 'tool_schema') as calls_usd,
        sum(lifetime_usd) filter (where kind = 'tool_schema') as schemas_usd
    from blocks
    where
        not is_inherited
        and mcp_server is not null
    group by all
),

-- What findings cost in which it was used, turns that were needless with them; hints count nowhere.
wasted as (
    select
        source_id,
        session_id,
        nullif(regexp_extract(tool_name, '^mcp__(.+?)__', 1), '') as mcp_server,
        sum(waste_usd) as waste_usd
    from waste
    where
        not is_hint
        and tool_name is not null
    group by all
)

select
    sums.source_id,  -- shard
    sums.session_id,  -- session
    int_sessions.owner,  -- person
    int_sessions.project,  -- project
    sums.mcp_server,  -- server
    sums.tools_count,  -- its tools seen, called or only offered
    sums.calls_count,  -- calls made here
    sums.errors_count,  -- results flagged as errors
    sums.schema_tokens,  -- tokens of its schemas in the first prompt; null where no log shows them
    sums.output_tokens,  -- output tokens billed for writing the calls
    sums.result_tokens,  -- tokens of the results when they entered the context
    sums.calls_usd,  -- US dollars of calls and results; null when unpriced
    sums.schemas_usd,  -- US dollars of its schemas over all prompts; null where no log shows them
    case when coalesce(sums.calls_usd, sums.schemas_usd) is not null then coalesce(wasted.waste_usd, 0) end
        as waste_usd  -- US dollars of findings with its tools
from sums
left join wasted
    on
        sums.source_id = wasted.source_id
        and sums.session_id = wasted.session_id
        and sums.mcp_server = wasted.mcp_server
left join int_sessions
    on sums.source_id = int_sessions.source_id and sums.session_id = int_sessions.session_id
