-- requests_have_turns: a response whose turn is missing would be in the session and in none of its turns.
-- table: requests
-- severity: critical
-- reads: requests, turns
-- remedy: this is a fault of the turns model; nothing was published. Please report it.

select concat('response ', requests.request_id, ' names turn ', requests.turn_index) as failing
from requests
anti join turns
    on
        requests.source_id = turns.source_id
        and requests.session_id = turns.session_id
        and requests.turn_index = turns.turn_index
