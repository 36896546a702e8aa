-- ledger_lanes: the bill of a period, taken apart into lanes, beside its best estimate.
-- grain: one row
-- key:   none
-- reads: requests

select
    count(*) as requests_count,  -- responses
    (count(*) filter (where billed_usd is null))::bigint as unpriced_requests_count,  -- of these without a price
    (count(*) filter (where is_output_floor))::bigint as floor_requests_count,  -- whose output is a lower bound
    (count(*) filter (where not is_output_logged))::bigint as estimated_requests_count,  -- whose output is estimated
    sum(billed_usd) as billed_usd,  -- US dollars; null when nothing is priced
    sum(estimated_usd) as estimated_usd,  -- with the output that the log lost
    sum(content_usd) as content_usd,  -- content lane
    sum(cache_excess_usd) as cache_excess_usd,  -- cache lane
    sum(premium_usd) as premium_usd,  -- premium lane
    sum(fees_usd) as fees_usd  -- fees
from requests
where
    ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
