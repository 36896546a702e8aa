-- ledger_unlogged: calls that no line shows, estimated, in a period.
-- grain: one row
-- key:   none
-- reads: unlogged_calls, sessions

select
    count(*) as calls_count,  -- calls taken to have happened
    (count(*) filter (where unlogged_calls.estimated_usd is null))::bigint as unpriced_calls_count,  -- without a price
    sum(unlogged_calls.estimated_usd) as estimated_usd,  -- US dollars, in no other figure
    sum(unlogged_calls.low_usd) as low_usd,  -- lower end, if all are low
    sum(unlogged_calls.high_usd) as high_usd  -- upper end, if all are high
from unlogged_calls
inner join sessions
    on unlogged_calls.source_id = sessions.source_id and unlogged_calls.session_id = sessions.session_id
where
    ($since_at::timestamptz is null or coalesce(unlogged_calls.logged_at, sessions.started_at) >= $since_at::timestamptz)
    and (
        $until_at::timestamptz is null or coalesce(unlogged_calls.logged_at, sessions.started_at) < $until_at::timestamptz
    )
    and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
    and ($models::varchar[] is null or list_contains($models::varchar[], unlogged_calls.model))
