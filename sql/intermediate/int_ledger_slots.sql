-- int_ledger_slots: which block of a session each slot of the ledger is; those that no line shows are numbered last.
-- grain: one row per block of the ledger
-- key:   slot_index
-- reads: int_blocks, ledger_blocks

with shown as (
    select
        source_id,
        session_id,
        max(block_index) + 1 as blocks_count
    from int_blocks
    group by all
),

hidden as (
    select
        source_id,
        session_id,
        slot_index,
        row_number() over (
            partition by source_id, session_id
            order by logged_seconds nulls first, thread_id, hidden_index
        ) - 1 as hidden_rank
    from ledger_blocks
    where block_index is null
)

select
    ledger_blocks.source_id,  -- shard
    ledger_blocks.session_id,  -- session
    ledger_blocks.slot_index,  -- slot of the ledger
    coalesce(ledger_blocks.block_index, coalesce(shown.blocks_count, 0) + hidden.hidden_rank) as block_index  -- as in blocks
from ledger_blocks
left join hidden on ledger_blocks.slot_index = hidden.slot_index
left join shown on ledger_blocks.source_id = shown.source_id and ledger_blocks.session_id = shown.session_id
