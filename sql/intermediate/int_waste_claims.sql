-- int_waste_claims: what all detectors claim, and the calls that asked for what is wasted whole.
-- grain: one row per claim
-- key:   source_id, session_id, kind, finding_key, target, block_index, request_id, part_low
-- reads: int_waste_dead, int_waste_failures, int_waste_injections, int_waste_interrupted, int_waste_memory,
--        int_waste_oversize, int_waste_quotes, int_waste_rejected, int_waste_repeats, int_waste_results, int_waste_retries,
--        int_waste_reverted, int_waste_rewound, int_waste_rewrites, int_waste_servers, int_waste_skills, int_waste_thrash,
--        int_waste_tools, int_waste_wakeups, int_waste_warnings, waste_rules
-- note:  a new detector is one more branch of the union. What it does not say is: all of the block, from its entry on; no
--        lines; no other side; neither the call nor what is new in a request is any different

with detected as (
    select * from int_waste_repeats
    union all by name
    select * from int_waste_failures
    union all by name
    select * from int_waste_retries
    union all by name
    select * from int_waste_interrupted
    union all by name
    select * from int_waste_rejected
    union all by name
    select * from int_waste_rewound
    union all by name
    select * from int_waste_reverted
    union all by name
    select * from int_waste_wakeups
    union all by name
    select * from int_waste_injections
    union all by name
    select * from int_waste_warnings
    union all by name
    select * from int_waste_tools
    union all by name
    select * from int_waste_skills
    union all by name
    select * from int_waste_servers
    union all by name
    select * from int_waste_memory
    union all by name
    select * from int_waste_oversize
    union all by name
    select * from int_waste_rewrites
    union all by name
    select * from int_waste_quotes
    union all by name
    select * from int_waste_dead
    union all by name
    select * from int_waste_thrash
),

with_calls as (
    select
        *,
        false as is_call
    from detected
    union all by name
    select
        detected.source_id,
        detected.session_id,
        detected.kind,
        detected.finding_key,
        unnest(['block', 'output']) as target,
        int_waste_results.call_block_index as block_index,
        false as claims_call,
        true as is_call
    from detected
    inner join int_waste_results
        on
            detected.source_id = int_waste_results.source_id
            and detected.session_id = int_waste_results.session_id
            and detected.block_index = int_waste_results.block_index
    where detected.claims_call
)

select
    with_calls.source_id,  -- shard
    with_calls.session_id,  -- session
    with_calls.kind,  -- rule
    waste_rules.label,  -- content label
    waste_rules.rank,  -- the lowest wins a cell
    with_calls.finding_key,  -- rows of one kind and key are one finding
    with_calls.target,  -- block, output or request
    with_calls.block_index,  -- block whose tokens or output are claimed
    with_calls.request_id,  -- request that is claimed whole, or from which on a block is
    coalesce(with_calls.part_low, 0) as part_low,  -- where the part of the block begins, 0 to 1
    coalesce(with_calls.part_high, 1) as part_high,  -- where it ends
    with_calls.is_call,  -- the call that asked for a wasted result
    coalesce(with_calls.keeps_new, false) as keeps_new,  -- blocks that the request is the first to hold keep their label
    with_calls.first_line,  -- first wasted line
    with_calls.last_line,  -- last wasted line
    with_calls.evidence_session_id,  -- the other side: session
    with_calls.evidence_block_index,  -- the other side: block
    with_calls.evidence_first_line,  -- the other side: first line
    with_calls.evidence_last_line,  -- the other side: last line
    with_calls.evidence  -- one sentence
from with_calls
inner join waste_rules on with_calls.kind = waste_rules.kind
