-- sessions_billed: how many sessions had a billed response in a period.
-- grain: one row
-- key:   none
-- reads: requests
-- note:  counted from requests, since a session that runs over midnight stands on two days of daily_cost

select count(distinct (source_id, session_id)) as sessions_count  -- sessions
from requests
where
    ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
