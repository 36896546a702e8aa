-- int_requests: what each billed response used and cost.
-- grain: one row per billed response of the source, whatever number of lines, files and sessions repeat it
-- key:   source_id, request_id
-- reads: int_responses, int_calls, int_session_lines, int_threads, int_agents, int_sessions, stg_block_lines
-- note:  a class of tokens is the largest figure of any copy; without a price the cost is null, never zero

with billed as (
    select
        source_id,
        request_id,
        cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
        cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        arg_max(prompt_tokens, call_index) as prompt_tokens,
        arg_max(price_id, call_index) as price_id,
        arg_max(canonical_model, call_index) as canonical_model,
        case
            when count(price_id) = count(*) and count(billed_picodollars) = count(*)
                then cast(sum(billed_picodollars) as bigint)
        end as billed_picodollars
    from int_calls
    group by all
),

-- What the model visibly wrote, each block once: a response cannot have used far fewer tokens than that.
visible as (
    select
        source_id,
        message_id,
        sum(text_bytes) as visible_bytes
    from (
        select
            source_id,
            message_id,
            uuid,
            line_block_index,
            max(text_bytes) as text_bytes
        from stg_block_lines
        where
            role = 'assistant'
            and message_id is not null
            and kind in ('text', 'thinking', 'tool_call')
        group by all
    )
    group by all
),

-- Lines of the session that owns a response say in which turn it was; its subagent knows better.
placed as (
    select
        int_responses.*,
        coalesce(int_responses.agent_id, int_threads.agent_id) as thread_id,
        int_response_lines.turn_index,
        int_response_lines.git_branch
    from int_responses
    left join int_threads
        on int_responses.file_id = int_threads.file_id and int_responses.offset_bytes = int_threads.offset_bytes
    left join int_session_lines as int_response_lines
        on
            int_responses.file_id = int_response_lines.file_id
            and int_responses.offset_bytes = int_response_lines.offset_bytes
),

-- A damaged copy of a line may hold a response of its own while another copy stands for the line: the turn that ran
-- then is its turn.
running as (
    select
        placed.source_id,
        placed.request_id,
        coalesce(
            max(int_session_lines.turn_index) filter (where int_session_lines.reached_at <= placed.started_at),
            min(int_session_lines.turn_index)
        ) as turn_index
    from placed
    inner join int_session_lines
        on
            placed.source_id = int_session_lines.source_id
            and placed.session_id = int_session_lines.session_id
    where placed.turn_index is null
    group by all
)

select
    placed.source_id,  -- shard
    placed.request_id,  -- message id; file and offset where the response has none
    placed.session_id,  -- session that paid for it
    int_sessions.owner,  -- person
    int_sessions.project,  -- project of the session
    coalesce(int_agents.turn_index, placed.turn_index, running.turn_index) as turn_index,  -- turn it was billed in
    row_number() over (
        partition by placed.source_id, placed.session_id
        order by placed.started_at nulls first, coalesce(placed.thread_id, ''), placed.file_id, placed.offset_bytes
    ) - 1 as request_index,  -- position in its session by time, from 0
    placed.thread_id as agent_id,  -- subagent that made it; null on the main thread
    coalesce(placed.is_sidechain, false) or placed.thread_id is not null as is_sidechain,  -- made by a subagent
    placed.file_id,  -- file that owns it
    placed.offset_bytes,  -- its first line there
    placed.model,  -- as logged
    billed.canonical_model,  -- the model's own name; null when unknown
    placed.client_version,  -- client
    placed.git_branch,  -- branch checked out then
    placed.started_at,  -- timestamp of its earliest copy
    billed.uncached_input_tokens,  -- tokens at the input price
    billed.cache_write_5m_tokens,  -- tokens written to cache for five minutes
    billed.cache_write_1h_tokens,  -- tokens written to cache for an hour
    billed.cache_read_tokens,  -- tokens read from cache
    billed.output_tokens,  -- tokens, largest figure logged
    placed.thinking_tokens,  -- tokens, part of output_tokens, where logged
    placed.web_search_count,  -- billed searches
    billed.prompt_tokens,  -- tokens of the prompt: size of the context
    coalesce(placed.special_speed, 'standard') as speed,  -- standard or fast
    coalesce(placed.special_geography, 'global') as geography,  -- global or us
    coalesce(placed.special_tier, 'standard') as tier,  -- standard or batch
    placed.stop_reason,  -- why it ended; null when no line says
    placed.stop_reason is null
    or placed.is_aborted
    -- A broken stream may be logged as ended with the count it began with; no text has 8 bytes per token.
    or billed.output_tokens < coalesce(visible.visible_bytes, 0) // 8 as is_output_floor,  -- output is a lower bound
    placed.copies_count,  -- lines that repeat it, in all files
    billed.billed_picodollars,  -- 10^-12 US dollars, exact; null when unpriced
    cast(billed.billed_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as billed_usd,  -- US dollars
    billed.price_id,  -- row of prices
    placed.cache_miss_reason  -- the client's own diagnosis, where logged
from placed
inner join billed on placed.source_id = billed.source_id and placed.request_id = billed.request_id
left join int_sessions
    on placed.source_id = int_sessions.source_id and placed.session_id = int_sessions.session_id
left join int_agents
    on
        placed.source_id = int_agents.source_id
        and placed.session_id = int_agents.session_id
        and placed.thread_id = int_agents.agent_id
left join running on placed.source_id = running.source_id and placed.request_id = running.request_id
left join visible on placed.source_id = visible.source_id and placed.request_id = visible.message_id
