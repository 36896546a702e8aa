-- schema_known: line types and fields that Her does not know yet may carry cost that it does not see.
-- table: schema_drift
-- severity: warning
-- reads: schema_drift
-- scope: source
-- remedy: The lines are kept whole; a newer version of Her may know more.

select concat(line_type, ' ', field_path) as failing
from schema_drift
group by line_type, field_path
