-- requests_grain: a response that stands twice would be billed twice.
-- table: requests
-- severity: critical
-- reads: requests
-- remedy: this is a fault of the requests model; nothing was published. Please report it.

select concat('response ', request_id, ' stands ', count(*), ' times') as failing
from requests
group by source_id, request_id
having count(*) > 1
