-- stg_response_lines: responses with usage on the lines of the sessions being built, billable or not.
-- grain: one row per response on a line of a current file, in a session of the scope
-- key:   file_id, offset_bytes
-- reads: response_lines, stg_source_files, scope_sessions

select
    response_lines.source_id,  -- shard
    response_lines.session_id,  -- session of the line
    response_lines.file_id,  -- file generation
    stg_source_files.path,  -- path of the file
    response_lines.offset_bytes,  -- line
    response_lines.agent_id,  -- subagent, if any
    coalesce(response_lines.is_sidechain, false) as is_sidechain,  -- written by a subagent
    coalesce(response_lines.is_nested, false) as is_nested,  -- found inside a progress line of the parent
    response_lines.uuid,  -- uuid of the line or the nested message
    response_lines.logged_at,  -- timestamp
    response_lines.client_version,  -- client that wrote it
    response_lines.message_id,  -- API message id; null when absent
    response_lines.api_request_id,  -- requestId, where logged
    response_lines.model,  -- as logged
    response_lines.stop_reason,  -- null while it streams, or for ever when it broke
    coalesce(response_lines.is_api_error, false) as is_api_error,  -- made by the client for a failed call
    coalesce(response_lines.is_aborted, false) as is_aborted,  -- cut in mid-stream, says the client
    coalesce(response_lines.uncached_input_tokens, 0) as uncached_input_tokens,  -- billed at the input price
    coalesce(response_lines.cache_write_5m_tokens, 0) as cache_write_5m_tokens,  -- written for five minutes
    coalesce(response_lines.cache_write_1h_tokens, 0) as cache_write_1h_tokens,  -- written for an hour
    coalesce(response_lines.cache_read_tokens, 0) as cache_read_tokens,  -- read from cache
    coalesce(response_lines.output_tokens, 0) as output_tokens,  -- as logged on this line
    response_lines.thinking_tokens,  -- part of the output, where logged
    coalesce(response_lines.has_write_split, false) as has_write_split,  -- 5m and 1h are told apart
    coalesce(response_lines.web_search_count, 0) as web_search_count,  -- billed searches
    case when response_lines.service_tier = 'batch' then 'batch' else 'standard' end as tier,  -- standard or batch
    case when response_lines.speed = 'fast' then 'fast' else 'standard' end as speed,  -- standard or fast
    case when response_lines.inference_geo = 'us' then 'us' else 'global' end as geography,  -- global or us
    response_lines.iterations,  -- JSON list of sub-calls, where it differs from the top level
    response_lines.cache_miss_reason,  -- the client's own diagnosis, where logged
    response_lines.request_ref  -- entry of the request log that asked for it
from response_lines
semi join scope_sessions
    on response_lines.source_id = scope_sessions.source_id and response_lines.session_id = scope_sessions.session_id
inner join stg_source_files on response_lines.file_id = stg_source_files.file_id
