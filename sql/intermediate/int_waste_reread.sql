-- int_waste_reread: C5, reads of a file that is unchanged and whose earlier copy still stands in the prompt.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: int_waste_results, ledger_entries

with reads as (
    select
        *,
        lag(block_index) over same_text as earlier_block_index,
        lag(slot_index) over same_text as earlier_slot_index
    from int_waste_results
    where
        tool_name = 'Read'
        and not is_error
        and content_hash is not null
    window same_text as (
        partition by source_id, session_id, thread_id, path, content_hash
        order by block_index
    )
)

select
    reads.source_id,  -- shard
    reads.session_id,  -- session
    'C5.reread' as kind,  -- rule
    cast(reads.block_index as varchar) as finding_key,  -- the result
    'block' as target,  -- tokens of the result
    reads.block_index,  -- the result
    cast(null as varchar) as request_id,  -- from its entry on
    cast(0 as double) as part_low,  -- all of it
    cast(1 as double) as part_high,  -- all of it
    true as claims_call,  -- the call was needless too
    false as keeps_new,  -- of no meaning here
    false as keeps_output,  -- of no meaning here
    coalesce(reads.range_start, 1) as first_line,  -- first line read again
    coalesce(reads.range_start, 1) + reads.range_lines - 1 as last_line,  -- last line read again
    reads.session_id as evidence_session_id,  -- session of the copy
    reads.earlier_block_index as evidence_block_index,  -- the copy
    coalesce(reads.range_start, 1) as evidence_first_line,  -- its first line
    coalesce(reads.range_start, 1) + reads.range_lines - 1 as evidence_last_line,  -- its last line
    'The same lines of the same file, unchanged, were still in the context.' as evidence  -- why
from reads
inner join ledger_entries
    on reads.segment_index = ledger_entries.segment_index and reads.earlier_slot_index = ledger_entries.slot_index
where
    ledger_entries.size_tokens > 0
    and ledger_entries.end_tokens <= reads.prompt_tokens
