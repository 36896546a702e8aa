-- sessions_grain: a session that stands twice would double every sum over sessions.
-- table: sessions
-- severity: critical
-- reads: sessions
-- remedy: this is a fault of the sessions model; nothing was published. Please report it.

select concat('session ', session_id, ' stands ', count(*), ' times') as failing
from sessions
group by source_id, session_id
having count(*) > 1
