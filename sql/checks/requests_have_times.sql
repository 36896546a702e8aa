-- requests_have_times: a response without a time is on no day and has no price.
-- table: requests
-- severity: warning
-- reads: requests
-- scope: source
-- remedy: Its line carries no timestamp; its tokens are counted, its cost is not.

select concat('response ', request_id) as failing
from requests
where started_at is null
