-- int_ledger_calls: the calls of each thread as the ledger walks them, copied history included.
-- grain: one row per sub-call of a response in each session that shows it
-- key:   source_id, session_id, request_id, call_index
-- reads: int_response_copies, int_calls, int_responses, int_requests, int_blocks, int_sessions, int_agents, stg_event_lines
-- note:  a call begins when the line before it was logged; a sub-call of another kind is a thread of its own. A session
--        that goes on in its file was resumed where its person had left it (/exit), or where a hook of the start says so

with shown as (
    select
        source_id,
        session_id,
        request_id,
        bool_or(session_id = owner_session_id) as is_owned,
        min(logged_at) as logged_at,
        any_value(agent_id order by copy_rank) as agent_id,
        any_value(request_ref order by copy_rank) as request_ref
    from int_response_copies
    group by all
),

threaded_blocks as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        block_index,
        turn_index,
        request_id,
        file_id,
        offset_bytes,
        logged_at,
        lag(logged_at) over (
            partition by source_id, session_id, agent_id
            order by block_index
        ) as before_at
    from int_blocks
),

first_blocks as (
    select
        source_id,
        session_id,
        request_id,
        min(block_index) as block_index,
        arg_min(thread_id, block_index) as thread_id,
        arg_min(before_at, block_index) as before_at,
        arg_min(file_id, block_index) as file_id,
        arg_min(offset_bytes, block_index) as offset_bytes,
        arg_min(turn_index, block_index) as turn_index
    from threaded_blocks
    where request_id is not null
    group by all
),

resumes as (
    select
        source_id,
        session_id,
        file_id,
        offset_bytes
    from int_blocks
    where
        kind = 'command'
        and agent_id is null
        and regexp_matches(preview, '<command-name>/(exit|quit)<')
    union
    select
        source_id,
        session_id,
        file_id,
        offset_bytes
    from stg_event_lines
    where
        type = 'attachment'
        and starts_with(subtype, 'hook_')
        and json_extract_string(payload, '$.attachment.hookName') = 'SessionStart:resume'
),

resumed as (
    select distinct
        source_id,
        session_id,
        request_id
    from (
        select
            resumes.source_id,
            resumes.session_id,
            arg_min(first_blocks.request_id, first_blocks.offset_bytes) as request_id
        from resumes
        inner join first_blocks
            on
                resumes.source_id = first_blocks.source_id
                and resumes.session_id = first_blocks.session_id
                and resumes.file_id = first_blocks.file_id
                and resumes.offset_bytes < first_blocks.offset_bytes
        where first_blocks.thread_id = ''
        group by
            resumes.source_id,
            resumes.session_id,
            resumes.file_id,
            resumes.offset_bytes
    )
),

-- A response without blocks, which is rare, stands where its time puts it.
without_blocks as (
    select
        shown.source_id,
        shown.session_id,
        shown.request_id,
        shown.logged_at
    from shown
    anti join first_blocks
        on
            shown.source_id = first_blocks.source_id
            and shown.session_id = first_blocks.session_id
            and shown.request_id = first_blocks.request_id
),

timed_places as (
    select
        without_blocks.source_id,
        without_blocks.session_id,
        without_blocks.request_id,
        max(threaded_blocks.block_index) as block_index
    from without_blocks
    inner join threaded_blocks
        on
            without_blocks.source_id = threaded_blocks.source_id
            and without_blocks.session_id = threaded_blocks.session_id
            and without_blocks.logged_at >= threaded_blocks.logged_at
    group by all
),

positioned as (
    select
        shown.*,
        timed_places.block_index as earlier_block_index
    from shown
    left join timed_places
        on
            shown.source_id = timed_places.source_id
            and shown.session_id = timed_places.session_id
            and shown.request_id = timed_places.request_id
),

-- A response has a price as a whole or not at all: of one that has none, no part may be charged to a block.
priced_requests as (
    select
        source_id,
        request_id
    from int_calls
    group by all
    having count(price_id) = count(*) and count(billed_picodollars) = count(*)
),

call_prices as (
    select
        int_calls.source_id,
        int_calls.request_id,
        int_calls.call_index,
        int_calls.input_picodollars,
        int_calls.cache_write_5m_picodollars,
        int_calls.cache_write_1h_picodollars,
        int_calls.cache_read_picodollars,
        coalesce(int_calls.output_picodollars, 0) as output_picodollars,
        int_calls.web_search_picodollars,
        int_calls.standard_input_picodollars,
        int_calls.standard_cache_write_5m_picodollars,
        int_calls.standard_cache_write_1h_picodollars,
        int_calls.standard_cache_read_picodollars,
        int_calls.standard_output_picodollars
    from int_calls
    semi join priced_requests
        on int_calls.source_id = priced_requests.source_id and int_calls.request_id = priced_requests.request_id
)

select
    positioned.source_id,  -- shard
    positioned.session_id,  -- session that shows it
    case
        when int_calls.call_type = 'message' then coalesce(first_blocks.thread_id, positioned.agent_id, '')
        else concat(
            coalesce(first_blocks.thread_id, positioned.agent_id, ''), ':', int_calls.request_id, ':', int_calls.call_index
        )
    end as thread_id,  -- subagent; empty on the main thread
    positioned.request_id,  -- response
    int_calls.call_index,  -- sub-call, from 1
    coalesce(first_blocks.block_index, positioned.earlier_block_index + 0.5, -1) as first_block_index,  -- its place
    positioned.is_owned,  -- paid for by this session
    resumed.request_id is not null as is_resumed,  -- first request after the session was left and resumed in its file
    int_sessions.project,  -- project
    coalesce(int_agents.agent_type, '') as agent_type,  -- type of the subagent, where known
    coalesce(int_requests.turn_index, first_blocks.turn_index, int_agents.turn_index, -1) as turn_index,  -- turn it was billed in
    int_calls.model,  -- as logged
    int_calls.speed,  -- standard or fast
    int_responses.client_version,  -- client
    epoch(least(coalesce(first_blocks.before_at, positioned.logged_at), positioned.logged_at)) as started_seconds,  -- start, seconds since 1970
    int_calls.uncached_input_tokens,  -- tokens
    int_calls.cache_write_5m_tokens,  -- tokens
    int_calls.cache_write_1h_tokens,  -- tokens
    int_calls.cache_read_tokens,  -- tokens
    int_calls.output_tokens,  -- tokens, as logged
    int_responses.thinking_tokens,  -- tokens, where logged
    int_responses.stop_reason is not null and not int_responses.is_aborted as is_complete,  -- some line says that it ended
    case when int_calls.call_index = 1 then int_calls.web_search_count else 0 end as web_search_count,  -- billed searches
    call_prices.input_picodollars,  -- price per token; null when unpriced
    call_prices.cache_write_5m_picodollars,  -- price per token
    call_prices.cache_write_1h_picodollars,  -- price per token
    call_prices.cache_read_picodollars,  -- price per token
    call_prices.output_picodollars,  -- price per token; null when unpriced
    call_prices.web_search_picodollars,  -- price per search
    call_prices.standard_input_picodollars,  -- price per token without speed, geography and band
    call_prices.standard_cache_write_5m_picodollars,  -- price per token, likewise
    call_prices.standard_cache_write_1h_picodollars,  -- price per token, likewise
    call_prices.standard_cache_read_picodollars,  -- price per token, likewise
    call_prices.standard_output_picodollars,  -- price per token, likewise
    int_responses.cache_miss_reason,  -- the client's own diagnosis, where logged
    positioned.request_ref  -- entry of the request log that asked for it
from positioned
inner join int_calls
    on positioned.source_id = int_calls.source_id and positioned.request_id = int_calls.request_id
left join call_prices
    on
        int_calls.source_id = call_prices.source_id
        and int_calls.request_id = call_prices.request_id
        and int_calls.call_index = call_prices.call_index
inner join int_responses
    on positioned.source_id = int_responses.source_id and positioned.request_id = int_responses.request_id
left join int_requests
    on
        positioned.source_id = int_requests.source_id
        and positioned.request_id = int_requests.request_id
        and positioned.session_id = int_requests.session_id
left join first_blocks
    on
        positioned.source_id = first_blocks.source_id
        and positioned.session_id = first_blocks.session_id
        and positioned.request_id = first_blocks.request_id
left join resumed
    on
        positioned.source_id = resumed.source_id
        and positioned.session_id = resumed.session_id
        and positioned.request_id = resumed.request_id
left join int_sessions
    on positioned.source_id = int_sessions.source_id and positioned.session_id = int_sessions.session_id
left join int_agents
    on
        positioned.source_id = int_agents.source_id
        and positioned.session_id = int_agents.session_id
        and coalesce(first_blocks.thread_id, positioned.agent_id) = int_agents.agent_id
