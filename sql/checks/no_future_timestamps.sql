-- no_future_timestamps: a time that lies ahead means a wrong clock, and a cost on the wrong day.
-- table: requests
-- severity: warning
-- reads: requests
-- scope: source
-- remedy: Check the clock of the machine that wrote the log.

select concat('response ', request_id, ' at ', started_at) as failing
from requests
where started_at > now() + interval 1 day
