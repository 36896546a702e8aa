-- blocks_add_up: what the blocks of a session cost over their life is, with fees, what the session was billed.
-- table: blocks
-- severity: critical
-- reads: blocks, sessions
-- remedy: this is a fault of the ledger; nothing was published. Please report it.

with by_block as (
    select
        source_id,
        session_id,
        sum(lifetime_usd) as usd
    from blocks
    group by all
)

select concat('session ', sessions.session_id) as failing
from sessions
left join by_block on sessions.source_id = by_block.source_id and sessions.session_id = by_block.session_id
where
    sessions.billed_usd is not null
    and sessions.billed_usd - coalesce(sessions.fees_usd, 0) <> coalesce(by_block.usd, 0)
