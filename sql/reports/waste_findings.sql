-- waste_findings: single findings of waste of a period or a session, the dearest first.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: waste

select
    source_id,  -- shard
    session_id,  -- session
    finding_index,  -- finding
    label,  -- C1 to C14
    kind,  -- what exactly
    confidence,  -- exact, estimated or heuristic
    is_hint,  -- shown, never in totals
    owner,  -- person
    project,  -- project
    turn_index,  -- turn
    agent_id,  -- subagent, if any
    request_id,  -- response that did it
    block_index,  -- block that is waste
    tool_name,  -- tool
    path,  -- file
    first_line,  -- lines of it that are waste
    last_line,  -- lines of it that are waste
    evidence_session_id,  -- the other side
    evidence_block_index,  -- the other side
    evidence_first_line,  -- lines of the other side
    evidence_last_line,  -- lines of the other side
    evidence,  -- one sentence
    remedy,  -- what to change
    entry_tokens,  -- tokens when it entered
    tokens,  -- billed tokens, carry and turn tax included
    carried_requests_count,  -- prompts that carried it
    waste_usd,  -- US dollars
    turn_tax_usd,  -- part of it
    cache_excess_usd,  -- beside it, in the cache lane
    low_usd,  -- lower end
    high_usd  -- upper end
from waste
where
    ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
    and ($source_id::varchar is null or source_id = $source_id)
    and ($session_id::varchar is null or session_id = $session_id)
order by is_hint, waste_usd desc nulls last, source_id, session_id, finding_index
limit $limit
