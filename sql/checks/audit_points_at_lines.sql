-- audit_points_at_lines: an action that no line shows cannot be proven.
-- table: audit_events
-- severity: critical
-- reads: audit_events, lines
-- remedy: this is a fault of the audit_events model; nothing was published. Please report it.

select concat('event ', event_index, ' of session ', session_id) as failing
from audit_events
anti join lines
    on
        audit_events.source_id = lines.source_id
        and audit_events.file_id = lines.file_id
        and audit_events.offset_bytes = lines.offset_bytes
