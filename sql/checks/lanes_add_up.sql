-- lanes_add_up: content, cache, premium and fees of a request are its bill, to the picodollar.
-- table: requests
-- severity: critical
-- reads: requests
-- remedy: this is a fault of the ledger; nothing was published. Please report it.

select concat('request ', request_id) as failing
from requests
where content_usd + cache_excess_usd + premium_usd + fees_usd is distinct from billed_usd
