-- ledger_requests: the requests of a session in order, with what they missed and where a lineage began.
-- grain: one row per request
-- key:   request_id
-- reads: requests, cache_misses, lineages

select
    requests.request_id,  -- request
    coalesce(requests.agent_id, '') as thread_id,  -- subagent; empty on the main thread
    requests.turn_index,  -- turn
    requests.started_at,  -- time
    requests.model,  -- model
    requests.prompt_tokens,  -- tokens of the prompt
    requests.billed_usd,  -- US dollars; null without a price
    requests.lineage_truth,  -- exact, snapshot or inferred
    cache_misses.label,  -- K1 to K5 where it missed its cache
    cache_misses.cause,  -- what exactly
    cache_misses.confidence,  -- how sure the label is
    cache_misses.missed_tokens,  -- tokens that should have been read
    cache_misses.excess_usd,  -- US dollars on top
    lineages.cut  -- why a new lineage began here; null where none did
from requests
left join cache_misses
    on requests.source_id = cache_misses.source_id and requests.request_id = cache_misses.request_id
left join lineages
    on
        requests.source_id = lineages.source_id
        and requests.session_id = lineages.session_id
        and requests.request_id = lineages.first_request_id
        and lineages.lineage_index > 0
where requests.source_id = $source_id and requests.session_id = $session_id
order by requests.request_index, requests.request_id
