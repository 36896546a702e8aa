-- int_waste_repeats: C4 to C8, what was tried, read or asked again though nothing that the log tells had changed, as claims.
-- grain: one row per claim
-- key:   source_id, session_id, kind, finding_key, part_low
-- reads: waste_repeats

select
    source_id,  -- shard
    session_id,  -- session
    kind,  -- rule
    concat(block_index, ':', evidence_block_index) as finding_key,  -- the result, and the copy
    'block' as target,  -- tokens of the result
    block_index,  -- the result
    part_low_ratio as part_low,  -- part of it
    part_high_ratio as part_high,  -- part of it
    is_whole as claims_call,  -- the call was needless too
    first_line,  -- first line read again
    last_line,  -- last line read again
    session_id as evidence_session_id,  -- session of the copy
    evidence_block_index,  -- the copy
    first_line as evidence_first_line,  -- the same lines of it
    last_line as evidence_last_line,  -- the same lines of it
    evidence  -- why
from waste_repeats
