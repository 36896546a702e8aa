-- waste: findings of some kinds, as cases of a pattern of advice.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: waste
-- note:  hints are left out: what is right in less than four of five cases is no ground for advice

select
    case $subject when 'tool' then coalesce(tool_name, '') when 'path' then coalesce(path, '') else '' end
        as subject,  -- what cases are grouped by
    source_id,  -- shard
    session_id,  -- session
    finding_index,  -- finding
    started_at,  -- time
    turn_index,  -- turn
    request_id,  -- response that did it
    confidence,  -- exact, estimated or heuristic
    waste_usd as saving_usd,  -- US dollars without the cases
    low_usd,  -- lower end
    high_usd  -- upper end
from waste
where
    not is_hint
    and (list_contains($kinds::varchar[], kind) or list_contains($kinds::varchar[], label))
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
