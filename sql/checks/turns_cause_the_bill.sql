-- turns_cause_the_bill: what the turns of a session caused is what the session was billed, as what they incurred is.
-- table: turns
-- severity: critical
-- reads: turns, sessions
-- remedy: this is a fault of the turns model; nothing was published. Please report it.

with by_turn as (
    select
        source_id,
        session_id,
        sum(caused_usd) as usd
    from turns
    group by all
)

select concat('session ', sessions.session_id) as failing
from sessions
left join by_turn on sessions.source_id = by_turn.source_id and sessions.session_id = by_turn.session_id
where
    sessions.billed_usd is not null
    and sessions.billed_usd <> coalesce(by_turn.usd, 0)
