-- subagents: what subagents cost beside the main thread, by type.
-- grain: one row per type, the dearest first, at most $limit
-- key:   agent_type
-- reads: agent_cost, sessions, blocks

select
    concat(
        case when any_value(agent_cost.agent_id) = '' then 'The main thread' else coalesce('Subagents of type ' || agent_cost.agent_type, 'Subagents of no known type') end,
        ' cost ', coalesce(printf('$%.2f', (sum(agent_cost.billed_usd))::double), 'no known price'), ' in ',
        printf('%,d', sum(agent_cost.requests_count)::bigint), if(sum(agent_cost.requests_count) = 1, ' response', ' responses'),
        case when any_value(agent_cost.agent_id) = '' then '.'
            else concat(' of ', printf('%,d', count(*)), if(count(*) = 1, ' agent.', ' agents.')) end
    ) as said,  -- sentence
    max_by(agent_cost.source_id, agent_cost.billed_usd) as source_id,  -- shard
    max_by(agent_cost.session_id, agent_cost.billed_usd) as session_id,  -- session of the dearest
    max_by(struct_pack(place := spots.block_index), agent_cost.billed_usd).place as block_index,  -- call that started the dearest
    case when any_value(agent_cost.agent_id) = '' then 'main thread' else agent_cost.agent_type end as agent_type,  -- type
    sum(agent_cost.billed_usd) as usd,  -- US dollars
    sum(agent_cost.requests_count)::bigint as requests_count,  -- responses
    count(*) over () as found_count  -- types in all
from agent_cost
inner join sessions on agent_cost.source_id = sessions.source_id and agent_cost.session_id = sessions.session_id
left join (
    select source_id, session_id, tool_use_id, min(block_index) as block_index
    from blocks
    where kind = 'tool_call' and tool_use_id is not null
    group by source_id, session_id, tool_use_id
) as spots
    on
        agent_cost.source_id = spots.source_id
        and agent_cost.session_id = spots.session_id
        and agent_cost.tool_use_id = spots.tool_use_id
where
    coalesce(sessions.ended_at, $missing_at) >= $since_at
    and coalesce(sessions.started_at, $missing_at) < $until_at
    and ($session_id is null or agent_cost.session_id = $session_id)
group by agent_cost.agent_id = '', agent_cost.agent_type
order by usd desc nulls last, agent_type
limit $limit
