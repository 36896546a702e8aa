-- sessions: whether what other tables say of a session adds up to what it says itself.
-- grain: one row per session that the last run built
-- key:   session_id
-- reads: sessions, agent_cost, turns

with agent_sums as (
    select
        source_id,
        session_id,
        sum(requests_count) as requests_count,
        sum(billed_usd) as billed_usd
    from agent_cost
    group by all
),

turn_sums as (
    select
        source_id,
        session_id,
        sum(requests_count) as requests_count
    from turns
    group by all
)

select
    sessions.session_id,  -- session
    sessions.requests_count,  -- its responses
    cast(coalesce(agent_sums.requests_count, 0) as bigint) as agent_requests_count,  -- sum over its agents
    cast(coalesce(turn_sums.requests_count, 0) as bigint) as turn_requests_count,  -- sum over its turns
    cast(
        (coalesce(sessions.billed_usd, 0) - coalesce(agent_sums.billed_usd, 0)) * 1000000000000 as bigint
    ) as agent_difference_picodollars  -- bill of the session less that of its agents
from sessions
left join agent_sums
    on sessions.source_id = agent_sums.source_id and sessions.session_id = agent_sums.session_id
left join turn_sums
    on sessions.source_id = turn_sums.source_id and sessions.session_id = turn_sums.session_id
order by sessions.session_id
