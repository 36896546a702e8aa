-- agent_cost: what each subagent used, and the main thread beside them.
-- grain: one row per thread of a session that was billed; the main thread has the empty agent_id
-- key:   source_id, session_id, agent_id
-- reads: requests, int_agents, int_request_waste
-- note:  sums over requests: the total a client reports for a subagent is only its last response

with sums as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as agent_id,
        any_value(owner) as owner,
        any_value(project) as project,
        min(started_at) as started_at,
        max(started_at) as ended_at,
        list(distinct model order by model) filter (where model is not null) as models,
        count(*) as requests_count,
        cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
        cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        sum(billed_usd) as billed_usd,
        sum(estimated_usd) as estimated_usd,
        sum(cache_excess_usd) as cache_excess_usd
    from requests
    group by all
),

wasted as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as agent_id,
        sum(waste_usd) as waste_usd
    from int_request_waste
    group by all
)

select
    sums.source_id,  -- shard
    sums.session_id,  -- session
    sums.owner,  -- person
    sums.project,  -- project
    sums.agent_id,  -- subagent; empty for the main thread
    int_agents.agent_type,  -- type named in the call that started it
    int_agents.description,  -- description given in that call
    int_agents.tool_use_id,  -- call that started it, where found
    sums.started_at,  -- first request
    sums.ended_at,  -- last request
    coalesce(sums.models, []) as models,  -- models that answered
    sums.requests_count,  -- billed responses
    sums.uncached_input_tokens,  -- tokens
    sums.cache_write_5m_tokens,  -- tokens
    sums.cache_write_1h_tokens,  -- tokens
    sums.cache_read_tokens,  -- tokens
    sums.output_tokens,  -- tokens, as logged
    sums.billed_usd,  -- US dollars over priced requests; null when none is priced
    sums.estimated_usd,  -- US dollars, best estimate
    sums.cache_excess_usd,  -- US dollars that missing the cache cost on top
    case when sums.billed_usd is not null then coalesce(wasted.waste_usd, 0) end as waste_usd  -- US dollars of it that were waste
from sums
left join wasted
    on
        sums.source_id = wasted.source_id
        and sums.session_id = wasted.session_id
        and sums.agent_id = wasted.agent_id
left join int_agents
    on
        sums.source_id = int_agents.source_id
        and sums.session_id = int_agents.session_id
        and sums.agent_id = int_agents.agent_id
