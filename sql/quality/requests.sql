-- requests: the responses of each session that the last run built, in figures that must agree.
-- grain: one row per session with responses
-- key:   session_id
-- reads: requests, sessions, turns, response_lines, lines

with logged_writes as (
    -- The log says what was written to the cache as a whole, and mostly also which part for how long.
    select
        response_lines.session_id,
        count_if(
            cast(lines.raw ->> '$.message.usage.cache_creation_input_tokens' as bigint)
            <> response_lines.cache_write_5m_tokens + response_lines.cache_write_1h_tokens
        ) as split_lines_count
    from response_lines
    inner join lines
        on response_lines.file_id = lines.file_id and response_lines.offset_bytes = lines.offset_bytes
    where
        response_lines.has_write_split
        and not response_lines.is_nested
        and response_lines.usage_note is null
    group by all
)

select
    requests.session_id,  -- session
    count(*) as requests_count,  -- rows
    count(distinct requests.request_id) as distinct_requests_count,  -- responses
    min(
        least(
            requests.uncached_input_tokens,
            requests.cache_write_5m_tokens,
            requests.cache_write_1h_tokens,
            requests.cache_read_tokens,
            requests.output_tokens
        )
    ) as least_tokens,  -- smallest count of any class
    coalesce(any_value(logged_writes.split_lines_count), 0) as split_lines_count,  -- lines where 5m + 1h is not the whole
    count_if(sessions.session_id is null) as without_session_count,  -- responses whose session is missing
    count_if(turns.turn_index is null) as without_turn_count,  -- responses whose turn is missing
    count_if(requests.billed_picodollars is null and requests.canonical_model is not null)
        as unpriced_count,  -- responses of a model that Her knows, without a price
    max(date_diff('hour', now(), requests.started_at)) as hours_ahead  -- of the latest response; negative: it is past
from requests
left join sessions
    on requests.source_id = sessions.source_id and requests.session_id = sessions.session_id
left join turns
    on
        requests.source_id = turns.source_id
        and requests.session_id = turns.session_id
        and requests.turn_index = turns.turn_index
left join logged_writes on requests.session_id = logged_writes.session_id
group by requests.session_id
order by requests.session_id
