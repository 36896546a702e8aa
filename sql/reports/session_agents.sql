-- session_agents: the main thread and each subagent of a session, in order of their first response.
-- grain: one row per thread
-- key:   agent_id
-- reads: agent_cost

select
    agent_id,  -- empty for the main thread
    agent_type,  -- type named in the call that started it
    description,  -- description given in that call
    tool_use_id,  -- that call, where found
    started_at,  -- first response
    ended_at,  -- last response
    models,  -- models that answered
    requests_count,  -- billed responses
    uncached_input_tokens,  -- tokens
    cache_write_5m_tokens,  -- tokens
    cache_write_1h_tokens,  -- tokens
    cache_read_tokens,  -- tokens
    output_tokens,  -- tokens, as logged
    billed_usd,  -- US dollars; null when nothing is priced
    estimated_usd  -- US dollars, best estimate: with output that the log lost
from agent_cost
where source_id = $source_id and session_id = $session_id
order by agent_id <> '', started_at, agent_id
