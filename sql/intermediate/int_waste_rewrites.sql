-- int_waste_rewrites: C12, files written whole of which most was known and stayed.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, target
-- reads: blocks, waste_rewrites
-- note:  claimed is the share of the call that edits with three lines of context would have spared, as output and in each
--        later prompt, from half of the call and 200 tokens on. What stood in the file is taken from reads, edits and writes
--        of the conversation; a new file, or one of which little stayed, is none

with rewrites as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.block_index,
        waste_rewrites.spared_ratio,
        waste_rewrites.evidence_block_index,
        waste_rewrites.unchanged_lines_count
    from waste_rewrites
    inner join blocks
        on
            waste_rewrites.source_id = blocks.source_id
            and waste_rewrites.session_id = blocks.session_id
            and waste_rewrites.block_index = blocks.block_index
    where
        waste_rewrites.spared_ratio >= 0.5
        and waste_rewrites.spared_ratio * greatest(blocks.output_tokens, blocks.size_tokens) >= 200
)

select
    source_id,  -- shard
    session_id,  -- session
    'C12.rewrite' as kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the call
    unnest(['output', 'block']) as target,  -- what was written, and what prompts carried of it
    block_index,  -- the call
    cast(0 as double) as part_low,  -- the share that an edit would have spared
    spared_ratio as part_high,  -- likewise
    session_id as evidence_session_id,  -- session of what was known
    evidence_block_index,  -- read or write that showed the file
    concat('The file was known; ', unchanged_lines_count, ' of its lines were written again unchanged.') as evidence  -- why
from rewrites
