-- requests: what each billed response used and cost, and what should have been read from cache.
-- grain: one row per billed response of the source, whatever number of lines, files and sessions repeat it
-- key:   source_id, request_id
-- reads: int_requests, ledger_calls
-- note:  without a price a cost is null, never zero; the lanes content, cache, premium and fees add up to the bill

with calls as (
    select
        source_id,
        request_id,
        arg_max(lineage_index, call_index) as lineage_index,
        arg_max(truth, call_index) as truth,
        arg_min(previous_request_id, call_index) as previous_request_id,
        arg_min(previous_cached_tokens, call_index) as previous_cached_tokens,
        arg_min(over_read_tokens, call_index) as over_read_tokens,
        arg_min(extended_by_request_id, call_index) as extended_by_request_id,
        arg_max(expected_read_tokens, call_index) as expected_read_tokens,
        sum(missed_tokens) as missed_tokens,
        sum(content_picodollars) as content_picodollars,
        sum(cache_picodollars) as cache_picodollars,
        sum(premium_picodollars) as premium_picodollars,
        sum(fees_picodollars) as fees_picodollars,
        sum(output_estimated_tokens) as output_estimated_tokens,
        sum(output_low_tokens) as output_low_tokens,
        sum(output_high_tokens) as output_high_tokens,
        bool_and(is_output_logged) as is_output_logged,
        sum(output_estimated_picodollars) as output_estimated_picodollars
    from ledger_calls
    group by all
)

select
    int_requests.source_id,  -- shard
    int_requests.request_id,  -- message id; file and offset where the response has none
    int_requests.session_id,  -- session that paid for it
    int_requests.owner,  -- person
    int_requests.project,  -- project of the session
    int_requests.turn_index,  -- turn it was billed in
    int_requests.request_index,  -- position in its session by time, from 0
    int_requests.agent_id,  -- subagent that made it; null on the main thread
    int_requests.is_sidechain,  -- made by a subagent
    int_requests.file_id,  -- file that owns it
    int_requests.offset_bytes,  -- its first line there
    int_requests.model,  -- as logged
    int_requests.canonical_model,  -- the model's own name; null when unknown
    int_requests.client_version,  -- client
    int_requests.git_branch,  -- branch checked out then
    int_requests.started_at,  -- timestamp of its earliest copy
    int_requests.uncached_input_tokens,  -- tokens at the input price
    int_requests.cache_write_5m_tokens,  -- tokens written to cache for five minutes
    int_requests.cache_write_1h_tokens,  -- tokens written to cache for an hour
    int_requests.cache_read_tokens,  -- tokens read from cache
    int_requests.output_tokens,  -- tokens, largest figure logged
    int_requests.thinking_tokens,  -- tokens, part of output_tokens, where logged
    int_requests.web_search_count,  -- billed searches
    int_requests.prompt_tokens,  -- tokens of the prompt: size of the context
    int_requests.speed,  -- standard or fast
    int_requests.geography,  -- global or us
    int_requests.tier,  -- standard or batch
    int_requests.stop_reason,  -- why it ended; null when no line says
    int_requests.is_output_floor,  -- output is a lower bound
    int_requests.copies_count,  -- lines that repeat it, in all files
    int_requests.billed_picodollars,  -- 10^-12 US dollars, exact; null when unpriced
    int_requests.billed_usd,  -- US dollars
    int_requests.price_id,  -- row of prices
    int_requests.cache_miss_reason,  -- the client's own diagnosis, where logged
    calls.lineage_index,  -- lineage of its thread
    calls.truth as lineage_truth,  -- exact, snapshot or inferred
    calls.previous_request_id,  -- request before it in its thread
    calls.previous_cached_tokens,  -- tokens that it had read and written
    coalesce(calls.over_read_tokens, 0) as over_read_tokens,  -- tokens read beyond them: something else had extended the prefix
    calls.extended_by_request_id,  -- request of another thread that had; null when the log shows none
    calls.expected_read_tokens,  -- tokens that should have been read from cache
    coalesce(cast(calls.missed_tokens as bigint), 0) as missed_tokens,  -- tokens of them that were not
    cast(calls.content_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as content_usd,  -- US dollars, content lane
    cast(calls.cache_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as cache_excess_usd,  -- US dollars, cache lane
    cast(calls.premium_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as premium_usd,  -- US dollars, premium lane
    cast(calls.fees_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as fees_usd,  -- US dollars, fees
    cast(calls.output_estimated_tokens as bigint) as output_estimated_tokens,  -- tokens, best estimate
    cast(calls.output_low_tokens as bigint) as output_low_tokens,  -- tokens, lower end of its interval
    cast(calls.output_high_tokens as bigint) as output_high_tokens,  -- tokens, upper end of its interval
    calls.is_output_logged,  -- the logged output is credible and stands
    cast(int_requests.billed_picodollars + calls.output_estimated_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as estimated_usd  -- US dollars, best estimate
from int_requests
left join calls on int_requests.source_id = calls.source_id and int_requests.request_id = calls.request_id
