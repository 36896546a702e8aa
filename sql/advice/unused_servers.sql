-- unused_servers: tool schemas and instructions of MCP servers that were sent and never used, as cases of a pattern of advice.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: waste, blocks
-- note:  instructions give a server's name as the person gave it; schemas as the client writes it in names of tools

select
    coalesce(nullif(regexp_extract(waste.evidence, '^The MCP server (.+) sent instructions', 1), ''), blocks.mcp_server)
        as subject,  -- the server
    waste.source_id,  -- shard
    waste.session_id,  -- session
    waste.finding_index,  -- finding
    waste.started_at,  -- time
    waste.turn_index,  -- turn
    waste.request_id,  -- response that did it
    waste.confidence,  -- exact, estimated or heuristic
    waste.waste_usd as saving_usd,  -- US dollars without the cases
    waste.low_usd,  -- lower end
    waste.high_usd  -- upper end
from waste
inner join blocks
    on
        waste.source_id = blocks.source_id
        and waste.session_id = blocks.session_id
        and waste.block_index = blocks.block_index
where
    not waste.is_hint
    and (blocks.mcp_server is not null or waste.kind = 'C10.server')
    and (list_contains($kinds::varchar[], waste.kind) or list_contains($kinds::varchar[], waste.label))
    and ($since_at::timestamptz is null or waste.started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or waste.started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], waste.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], waste.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], waste.model))
