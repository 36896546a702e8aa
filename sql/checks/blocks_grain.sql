-- blocks_grain: a block that stands twice would be shown and counted twice.
-- table: blocks
-- severity: critical
-- reads: blocks
-- remedy: this is a fault of the blocks model; nothing was published. Please report it.

select concat('block ', block_index, ' of session ', session_id, ' stands ', count(*), ' times') as failing
from blocks
group by source_id, session_id, block_index
having count(*) > 1
