-- requests_have_sessions: a response whose session is missing would be in the total and on no page.
-- table: requests
-- severity: critical
-- reads: requests, sessions
-- remedy: this is a fault of the sessions model; nothing was published. Please report it.

select concat('response ', requests.request_id, ' names session ', requests.session_id) as failing
from requests
anti join sessions
    on requests.source_id = sessions.source_id and requests.session_id = sessions.session_id
