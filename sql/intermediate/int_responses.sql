-- int_responses: every billable response of the source, its copies taken together.
-- grain: one row per billed response of the source
-- key:   source_id, request_id
-- reads: int_response_copies
-- note:  a class of tokens is the largest figure of any copy

select
    source_id,  -- shard
    request_id,  -- message id; file and offset where the response has none
    any_value(owner_session_id) as session_id,  -- session that paid for it
    arg_min(file_id, copy_rank) as file_id,  -- file that owns it
    arg_min(offset_bytes, copy_rank) as offset_bytes,  -- its first line there
    min(logged_at) as started_at,  -- timestamp of its earliest copy
    arg_min(model, copy_rank) as model,  -- as logged
    arg_min(client_version, copy_rank) as client_version,  -- client
    arg_min(agent_id, copy_rank) filter (where session_id = owner_session_id) as agent_id,  -- subagent, as logged
    bool_or(is_sidechain) filter (where session_id = owner_session_id) as is_sidechain,  -- made by a subagent
    max(uncached_input_tokens) as uncached_input_tokens,  -- tokens
    -- A copy without the split counts all writes as 5m: it must not add to what another copy calls 1h.
    coalesce(
        max(cache_write_5m_tokens) filter (where has_write_split), max(cache_write_5m_tokens)
    ) as cache_write_5m_tokens,  -- tokens
    coalesce(
        max(cache_write_1h_tokens) filter (where has_write_split), max(cache_write_1h_tokens)
    ) as cache_write_1h_tokens,  -- tokens
    max(cache_read_tokens) as cache_read_tokens,  -- tokens
    max(output_tokens) as output_tokens,  -- tokens, largest figure logged
    max(thinking_tokens) as thinking_tokens,  -- tokens, part of the output, where logged
    max(web_search_count) as web_search_count,  -- billed searches
    max(tier) filter (where tier <> 'standard') as special_tier,  -- tier where it is not standard
    max(speed) filter (where speed <> 'standard') as special_speed,  -- speed where it is not standard
    max(geography) filter (where geography <> 'global') as special_geography,  -- geography where it is not global
    -- The last line of a response that says why it ended is the one that knows.
    arg_max(stop_reason, (output_tokens, copy_rank)) filter (where stop_reason is not null)
        as stop_reason,  -- why it ended; null when no line says
    bool_or(is_aborted) as is_aborted,  -- cut in mid-stream
    arg_max(iterations, (output_tokens, -copy_rank)) filter (where iterations is not null)
        as iterations,  -- JSON list of sub-calls; null where there is only one
    any_value(cache_miss_reason order by copy_rank) as cache_miss_reason,  -- the client's own diagnosis, where logged
    count(*) as copies_count  -- lines that repeat it, in all files
from int_response_copies
group by all
