-- sessions_add_up: the tokens and the bill of the sessions are those of their responses.
-- table: sessions
-- severity: critical
-- reads: sessions, requests
-- remedy: this is a fault of the sessions model; nothing was published. Please report it.

with by_session as (
    select
        sum(uncached_input_tokens) as uncached,
        sum(cache_write_5m_tokens + cache_write_1h_tokens) as written,
        sum(cache_read_tokens) as read,
        sum(output_tokens) as output,
        sum(billed_usd) as usd
    from sessions
),

by_request as (
    select
        sum(uncached_input_tokens) as uncached,
        sum(cache_write_5m_tokens + cache_write_1h_tokens) as written,
        sum(cache_read_tokens) as read,
        sum(output_tokens) as output,
        sum(billed_usd) as usd
    from requests
)

select 'sums over sessions differ from sums over requests' as failing
from by_session, by_request
where
    (by_session.uncached, by_session.written, by_session.read, by_session.output)
    is distinct from (by_request.uncached, by_request.written, by_request.read, by_request.output)
    and (by_session.uncached > 0 or by_request.uncached > 0 or by_request.output > 0)
    or by_session.usd is distinct from by_request.usd
