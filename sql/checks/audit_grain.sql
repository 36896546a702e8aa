-- audit_grain: a risky action that stands twice would be counted twice.
-- table: audit_events
-- severity: critical
-- reads: audit_events
-- remedy: this is a fault of the audit_events model; nothing was published. Please report it.

select concat('event ', event_index, ' of session ', session_id, ' stands ', count(*), ' times') as failing
from audit_events
group by source_id, session_id, event_index
having count(*) > 1
