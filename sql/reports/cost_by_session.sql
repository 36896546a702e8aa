-- cost_by_session: what each session billed in a period, the dearest first.
-- grain: one row per session with a billed response in the period
-- key:   source_id, group_name
-- reads: requests, sessions

with billed as (
    select
        source_id,
        session_id,
        count(*) as requests_count,
        sum(uncached_input_tokens)::bigint as uncached_input_tokens,
        sum(cache_write_5m_tokens)::bigint as cache_write_5m_tokens,
        sum(cache_write_1h_tokens)::bigint as cache_write_1h_tokens,
        sum(cache_read_tokens)::bigint as cache_read_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(billed_usd) as billed_usd,
        sum(estimated_usd) as estimated_usd,
        count(*) - count(billed_usd) as unpriced_requests_count,
        count(*) filter (is_output_floor) as floor_requests_count
    from requests
    where
        ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
    group by source_id, session_id
)

select
    billed.session_id as group_name,  -- session
    billed.source_id,  -- shard
    sessions.project,  -- last part of the first working directory
    sessions.title,  -- title, else the first words
    sessions.started_at,  -- first own line
    billed.requests_count,  -- billed responses
    billed.uncached_input_tokens,  -- tokens
    billed.cache_write_5m_tokens,  -- tokens
    billed.cache_write_1h_tokens,  -- tokens
    billed.cache_read_tokens,  -- tokens
    billed.output_tokens,  -- tokens, as logged
    billed.billed_usd,  -- US dollars; null when nothing is priced
    billed.estimated_usd,  -- US dollars, best estimate: with output that the log lost
    billed.unpriced_requests_count,  -- responses without a price
    billed.floor_requests_count  -- responses whose output is a lower bound
from billed
left join sessions on billed.source_id = sessions.source_id and billed.session_id = sessions.session_id
order by billed.billed_usd desc nulls last, billed.output_tokens desc, group_name
