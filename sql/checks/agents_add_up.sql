-- agents_add_up: the responses and the bill of a session are the sums over its agents.
-- table: agent_cost
-- severity: critical
-- reads: agent_cost, sessions
-- remedy: this is a fault of the agent_cost model; nothing was published. Please report it.

with by_agent as (
    select
        source_id,
        session_id,
        sum(requests_count) as requests_count,
        sum(billed_usd) as usd
    from agent_cost
    group by all
)

select concat('session ', sessions.session_id) as failing
from sessions
left join by_agent
    on sessions.source_id = by_agent.source_id and sessions.session_id = by_agent.session_id
where
    sessions.requests_count <> coalesce(by_agent.requests_count, 0)
    or sessions.billed_usd is distinct from by_agent.usd
