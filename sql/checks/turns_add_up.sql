-- turns_add_up: what the turns of a session incurred is what the session was billed.
-- table: turns
-- severity: critical
-- reads: turns, sessions
-- remedy: this is a fault of the turns model; nothing was published. Please report it.

with by_turn as (
    select
        source_id,
        session_id,
        sum(requests_count) as requests_count,
        sum(output_tokens) as output_tokens,
        sum(incurred_usd) as usd
    from turns
    group by all
)

select concat('session ', sessions.session_id) as failing
from sessions
left join by_turn
    on sessions.source_id = by_turn.source_id and sessions.session_id = by_turn.session_id
where
    sessions.requests_count <> coalesce(by_turn.requests_count, 0)
    or sessions.output_tokens <> coalesce(by_turn.output_tokens, 0)
    or sessions.billed_usd is distinct from by_turn.usd
