-- cache_misses: requests that had to pay again for what should have been read from cache, and why.
-- grain: one row per request that missed
-- key:   source_id, request_id
-- reads: ledger_misses, requests
-- note:  the size is exact where the prompt only grew; the label says how sure the cause is

select
    ledger_misses.source_id,  -- shard
    ledger_misses.session_id,  -- session that paid
    requests.owner,  -- person
    requests.project,  -- project
    ledger_misses.request_id,  -- request
    requests.turn_index,  -- turn
    requests.agent_id,  -- subagent, if any
    requests.started_at,  -- time
    requests.model,  -- as logged
    requests.client_version,  -- client
    ledger_misses.miss_label as label,  -- K1 to K5
    ledger_misses.cause,  -- what exactly
    ledger_misses.confidence,  -- exact, estimated or heuristic
    ledger_misses.evidence,  -- diagnosis, structure or time
    ledger_misses.missed_tokens,  -- tokens that should have been read
    cast(ledger_misses.excess_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as excess_usd,  -- US dollars on top
    ledger_misses.age_seconds,  -- seconds since the prefix was last touched
    ledger_misses.lifetime_seconds,  -- seconds that the entry last written lives
    ledger_misses.previous_request_id  -- request that had cached them
from ledger_misses
inner join requests
    on ledger_misses.source_id = requests.source_id and ledger_misses.request_id = requests.request_id
qualify
    row_number() over (
        partition by ledger_misses.source_id, ledger_misses.request_id
        order by ledger_misses.missed_tokens desc
    ) = 1
