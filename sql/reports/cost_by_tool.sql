-- cost_by_tool: what tools did in the sessions that touch a period, the dearest first.
-- grain: one row per tool
-- key:   group_name
-- reads: tool_cost, sessions
-- note:  a session counts whole when any of it lies in the period: its tools are not split by day

select
    tool_cost.tool_name as group_name,  -- tool
    sum(tool_cost.calls_count)::bigint as calls_count,  -- calls
    sum(tool_cost.errors_count)::bigint as errors_count,  -- failed calls
    sum(tool_cost.call_bytes)::bigint as call_bytes,  -- bytes the model wrote
    sum(tool_cost.result_bytes)::bigint as result_bytes,  -- bytes the model saw
    sum(tool_cost.requests_count)::bigint as requests_count,  -- responses that called it
    sum(tool_cost.requesting_usd) as requesting_usd  -- share of the cost of those responses, in US dollars
from tool_cost
inner join sessions
    on tool_cost.source_id = sessions.source_id and tool_cost.session_id = sessions.session_id
where
    ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
    and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
group by tool_cost.tool_name
order by requesting_usd desc nulls last, calls_count desc, group_name
