-- turns_grain: a turn that stands twice would double what its prompt cost.
-- table: turns
-- severity: critical
-- reads: turns
-- remedy: this is a fault of the turns model; nothing was published. Please report it.

select concat('turn ', turn_index, ' of session ', session_id, ' stands ', count(*), ' times') as failing
from turns
group by source_id, session_id, turn_index
having count(*) > 1
