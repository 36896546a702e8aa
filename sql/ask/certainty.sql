-- certainty: how sure the totals are: what is a lower bound, without a price, or not logged.
-- grain: one row
-- key:   requests_count
-- reads: requests, unlogged_calls

with counted as (
    select
        count(*) as requests_count,
        count(*) filter (is_output_floor) as floor_requests_count,
        count(*) filter (billed_usd is null) as unpriced_requests_count,
        sum(billed_usd) as usd,
        sum(estimated_usd) as estimated_usd
    from requests
    where
        coalesce(started_at, $missing_at) >= $since_at
        and coalesce(started_at, $missing_at) < $until_at
        and ($session_id is null or session_id = $session_id)
),

unlogged as (
    select sum(estimated_usd) as unlogged_usd
    from unlogged_calls
    where
        coalesce(logged_at, $missing_at) >= $since_at
        and coalesce(logged_at, $missing_at) < $until_at
        and ($session_id is null or session_id = $session_id)
)

select
    concat(
        'At least ', coalesce(printf('$%.2f', (usd)::double), 'no known price'), ' was billed in ', printf('%,d', requests_count),
        if(requests_count = 1, ' response; ', ' responses; '), printf('%,d', floor_requests_count),
        ' of them', if(floor_requests_count = 1, ' does', ' do'), ' not say how long the answer became and ',
        printf('%,d', unpriced_requests_count), if(unpriced_requests_count = 1, ' has', ' have'), ' no price. The best estimate is ',
        coalesce(printf('$%.2f', (estimated_usd)::double), 'no known price'), ', and calls that no line shows may add ', coalesce(printf('$%.2f', (coalesce(unlogged_usd, 0))::double), 'no known price'), '.'
    ) as said,  -- sentence
    null::varchar as source_id,  -- no one session
    null::varchar as session_id,  -- no one session
    null::bigint as block_index,  -- no one place
    requests_count,  -- responses
    floor_requests_count,  -- of these with an output that is a lower bound
    unpriced_requests_count,  -- of these without a price
    usd,  -- US dollars, at least
    estimated_usd,  -- US dollars, best estimate
    1 as found_count  -- one sentence
from counted
cross join unlogged
where requests_count > 0
limit $limit
