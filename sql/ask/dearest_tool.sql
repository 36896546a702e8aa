-- dearest_tool: the tools whose calls and results cost most over their whole stay.
-- grain: one row per tool, the dearest first, at most $limit
-- key:   tool_name
-- reads: tool_cost, sessions

select
    concat(
        tool_cost.tool_name, ' cost ', coalesce(printf('$%.2f', (sum(tool_cost.lifetime_usd))::double), 'no known price'), ' with ',
        printf('%,d', sum(tool_cost.calls_count)::bigint), if(sum(tool_cost.calls_count) = 1, ' call, of which ', ' calls, of which '),
        printf('%,d', sum(tool_cost.errors_count)::bigint), ' failed; its results brought ',
        printf('%,d', coalesce(sum(tool_cost.result_tokens), 0)::bigint), if(sum(tool_cost.result_tokens) = 1, ' token.', ' tokens.')
    ) as said,  -- sentence
    max_by(tool_cost.source_id, tool_cost.lifetime_usd) as source_id,  -- shard
    max_by(tool_cost.session_id, tool_cost.lifetime_usd) as session_id,  -- session where it cost most
    null::bigint as block_index,  -- the session as a whole
    tool_cost.tool_name,  -- tool
    sum(tool_cost.lifetime_usd) as usd,  -- US dollars
    sum(tool_cost.calls_count)::bigint as calls_count,  -- calls
    sum(tool_cost.errors_count)::bigint as errors_count,  -- calls that failed
    count(*) over () as found_count  -- tools in all
from tool_cost
inner join sessions on tool_cost.source_id = sessions.source_id and tool_cost.session_id = sessions.session_id
where
    coalesce(sessions.ended_at, $missing_at) >= $since_at
    and coalesce(sessions.started_at, $missing_at) < $until_at
    and ($session_id is null or tool_cost.session_id = $session_id)
group by tool_cost.tool_name
order by usd desc nulls last, tool_cost.tool_name
limit $limit
