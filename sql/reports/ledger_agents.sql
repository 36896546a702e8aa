-- ledger_agents: what main threads and each type of subagent were billed in the sessions that touch a period.
-- grain: one row per type of thread
-- key:   group_name
-- reads: agent_cost, sessions
-- note:  a session counts whole when any of it lies in the period

select
    case when agent_cost.agent_id = '' then 'main thread' else coalesce(agent_cost.agent_type, 'type unknown') end
        as group_name,  -- type of subagent
    'exact' as size_class,  -- billed by response: nothing is divided
    sum(agent_cost.billed_usd) as lifetime_usd,  -- US dollars billed; null when nothing is priced
    sum(agent_cost.estimated_usd) as estimated_usd,  -- best estimate: with output that the log lost
    count(*) as threads_count,  -- threads
    sum(agent_cost.requests_count)::bigint as requests_count  -- billed responses
from agent_cost
inner join sessions on agent_cost.source_id = sessions.source_id and agent_cost.session_id = sessions.session_id
where
    ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
    and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
group by group_name
order by lifetime_usd desc nulls last, group_name
