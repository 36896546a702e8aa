-- waste_findings: single findings of waste of a period or a session, the dearest first.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: waste, sessions
-- note:  where persons are not to be named, files and projects are told by `shown_path`

select
    waste.source_id,  -- shard
    waste.session_id,  -- session
    waste.finding_index,  -- finding
    waste.label,  -- C1 to C14
    waste.kind,  -- what exactly
    waste.confidence,  -- exact, estimated or heuristic
    waste.is_hint,  -- shown, never in totals
    waste.owner,  -- person
    case when $names_persons then waste.project else shown_project(waste.project, sessions.project_path, waste.owner) end
        as project,  -- project
    waste.turn_index,  -- turn
    waste.agent_id,  -- subagent, if any
    waste.request_id,  -- response that did it
    waste.block_index,  -- block that is waste
    waste.tool_name,  -- tool
    case when $names_persons then waste.path else shown_path(waste.path, sessions.project_path) end as path,  -- file
    waste.first_line,  -- lines of it that are waste
    waste.last_line,  -- lines of it that are waste
    waste.evidence_session_id,  -- the other side
    waste.evidence_block_index,  -- the other side
    waste.evidence_first_line,  -- lines of the other side
    waste.evidence_last_line,  -- lines of the other side
    waste.evidence,  -- one sentence
    waste.remedy,  -- what to change
    waste.entry_tokens,  -- tokens when it entered
    waste.tokens,  -- billed tokens, carry and turn tax included
    waste.carried_requests_count,  -- prompts that carried it
    waste.waste_usd,  -- US dollars
    waste.turn_tax_usd,  -- part of it
    waste.cache_excess_usd,  -- beside it, in the cache lane
    waste.low_usd,  -- lower end
    waste.high_usd  -- upper end
from waste
left join sessions
    on waste.source_id = sessions.source_id and waste.session_id = sessions.session_id
where
    ($since_at::timestamptz is null or waste.started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or waste.started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], waste.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], waste.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], waste.model))
    and ($source_id::varchar is null or waste.source_id = $source_id)
    and ($session_id::varchar is null or waste.session_id = $session_id)
order by waste.is_hint, waste.waste_usd desc nulls last, waste.source_id, waste.session_id, waste.finding_index
limit $limit
