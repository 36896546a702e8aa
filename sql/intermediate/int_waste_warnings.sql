-- int_waste_warnings: C9, words that the client hangs onto the end of what a file read gives back, again and again.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: blocks, contents, int_waste_requests
-- note:  a reminder at the very end of a result, equal to one that an earlier result still in the prompt ends with; the
--        share is by bytes. A file that itself speaks of reminders in its midst is none

with reads as (
    select
        blocks.source_id,
        blocks.session_id,
        coalesce(blocks.agent_id, '') as thread_id,
        blocks.block_index,
        blocks.first_request_id,
        blocks.last_request_id,
        blocks.content_hash
    from blocks
    where
        blocks.kind = 'tool_result'
        and blocks.tool_name = 'Read'
        and blocks.first_request_id is not null
        and blocks.size_tokens > 0
),

ends as (
    select
        source_id,
        content_hash,
        text,
        length(text) - strpos(reverse(text), reverse('<system-reminder>')) - length('<system-reminder>') + 1 as place
    from contents
    where
        content_hash in (select content_hash from reads)
        and contains(text[-2000:], '<system-reminder>')
        and ends_with(rtrim(text[-40:], E' \n\r'), '</system-reminder>')
),

suffixes as (
    select
        source_id,
        content_hash,
        strlen(text[:place]) / strlen(text) as part_low,
        hash(rtrim(text[place + 1:], E' \n\r')) as suffix_hash
    from ends
),

hung as (
    select
        reads.*,
        suffixes.part_low,
        suffixes.suffix_hash,
        entered.place_index as entered_index,
        held.place_index as held_index
    from reads
    inner join suffixes
        on reads.source_id = suffixes.source_id and reads.content_hash = suffixes.content_hash
    inner join int_waste_requests as entered
        on
            reads.source_id = entered.source_id
            and reads.session_id = entered.session_id
            and reads.thread_id = entered.thread_id
            and reads.first_request_id = entered.request_id
    inner join int_waste_requests as held
        on
            reads.source_id = held.source_id
            and reads.session_id = held.session_id
            and reads.thread_id = held.thread_id
            and reads.last_request_id = held.request_id
),

copies as (
    select
        *,
        lag(block_index) over same_text as earlier_block_index,
        lag(held_index) over same_text as earlier_held_index
    from hung
    window same_text as (
        partition by source_id, session_id, thread_id, suffix_hash
        order by block_index
    )
)

select
    source_id,  -- shard
    session_id,  -- session
    'C9.in_result' as kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the result
    'block' as target,  -- its last part
    block_index,  -- the result
    part_low,  -- where the reminder begins, by bytes
    cast(1 as double) as part_high,  -- to the end
    session_id as evidence_session_id,  -- session of the earlier result
    earlier_block_index as evidence_block_index,  -- the earlier result
    'The client ended this result with the same words as an earlier one that still stood in the prompt.' as evidence  -- why
from copies
where earlier_held_index >= entered_index
