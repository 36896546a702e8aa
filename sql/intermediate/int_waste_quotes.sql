-- int_waste_quotes: C12, long stretches of the context that an answer said back word for word.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, target, part_low
-- reads: waste_quotes
-- note:  from sixty words in a row on, in what was said to the person; what goes into files and commands is no quotation. Who
--        asked to see the text got what was asked for, which a log does not tell: a heuristic

with quotes as (
    select
        *,
        count(*) over (partition by source_id, session_id, block_index) as runs_count
    from waste_quotes
)

select
    source_id,  -- shard
    session_id,  -- session
    'C12.quote' as kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the answer
    unnest(['output', 'block']) as target,  -- what was written, and what prompts carried of it
    block_index,  -- the answer
    part_low,  -- where the quotation begins, by bytes
    part_high,  -- where it ends
    session_id as evidence_session_id,  -- session of what was quoted
    evidence_block_index,  -- where it stood
    concat(
        'A run of ', words_count, ' words stood in the context already',
        case when runs_count > 1 then concat(', and so did ', runs_count - 1, ' more of this answer') end,
        '.'
    ) as evidence  -- why
from quotes
