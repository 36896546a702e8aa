-- waste_selection: what a selection holds: responses, those whose bill is a floor or has no price, and findings.
-- grain: one row
-- key:   none
-- reads: requests, waste

with chosen as (
    select
        source_id,
        session_id,
        model,
        billed_usd,
        is_output_floor
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
),

begun as (
    select is_hint
    from waste
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
)

select
    count(*) as requests_count,  -- billed responses
    count(distinct (source_id, session_id)) as sessions_count,  -- sessions that were billed one
    count(*) filter (where is_output_floor) as floor_requests_count,  -- responses whose output is a lower bound
    count(*) filter (where billed_usd is null) as unpriced_requests_count,  -- responses without a price
    coalesce(list(distinct model order by model) filter (where billed_usd is null), []) as unpriced_models,  -- theirs
    (select count(*) from begun where not is_hint) as findings_count  -- findings that began here, hints left out
from chosen
