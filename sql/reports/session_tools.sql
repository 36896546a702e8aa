-- session_tools: what each tool did in a session, the dearest first.
-- grain: one row per tool
-- key:   tool_name
-- reads: tool_cost

select
    tool_name,  -- tool
    mcp_server,  -- server of an mcp__ tool
    calls_count,  -- calls made here
    errors_count,  -- failed calls
    call_bytes,  -- bytes the model wrote
    result_bytes,  -- bytes the model saw
    requests_count,  -- responses that called it
    requesting_usd  -- share of the cost of those responses
from tool_cost
where source_id = $source_id and session_id = $session_id
order by requesting_usd desc nulls last, calls_count desc, tool_name
