-- requests: what each billed response used and cost.
-- grain: one row per billed response of the source, whatever number of lines, files and sessions repeat it
-- key:   source_id, request_id
-- reads: int_response_copies, int_session_lines, int_threads, int_agents, int_sessions, stg_block_lines, prices
-- note:  a class of tokens is the largest figure of any copy; without a price the cost is null, never zero

with responses as (
    select
        source_id,
        request_id,
        any_value(owner_session_id) as session_id,
        arg_min(file_id, copy_rank) as file_id,
        arg_min(offset_bytes, copy_rank) as offset_bytes,
        min(logged_at) as started_at,
        arg_min(model, copy_rank) as model,
        arg_min(client_version, copy_rank) as client_version,
        arg_min(agent_id, copy_rank) filter (where session_id = owner_session_id) as agent_id,
        bool_or(is_sidechain) filter (where session_id = owner_session_id) as is_sidechain,
        max(uncached_input_tokens) as uncached_input_tokens,
        -- A copy without the split counts all writes as 5m: it must not add to what another copy calls 1h.
        coalesce(
            max(cache_write_5m_tokens) filter (where has_write_split), max(cache_write_5m_tokens)
        ) as cache_write_5m_tokens,
        coalesce(
            max(cache_write_1h_tokens) filter (where has_write_split), max(cache_write_1h_tokens)
        ) as cache_write_1h_tokens,
        max(cache_read_tokens) as cache_read_tokens,
        max(output_tokens) as output_tokens,
        max(thinking_tokens) as thinking_tokens,
        max(web_search_count) as web_search_count,
        max(tier) filter (where tier <> 'standard') as special_tier,
        max(speed) filter (where speed <> 'standard') as special_speed,
        max(geography) filter (where geography <> 'global') as special_geography,
        -- The last line of a response that says why it ended is the one that knows.
        arg_max(stop_reason, (output_tokens, copy_rank)) filter (where stop_reason is not null) as stop_reason,
        bool_or(is_aborted) as is_aborted,
        arg_max(iterations, (output_tokens, -copy_rank)) filter (where iterations is not null) as iterations,
        any_value(cache_miss_reason order by copy_rank) as cache_miss_reason,
        count(*) as copies_count
    from int_response_copies
    group by all
),

-- Sub-calls (advisor, compaction, fallback) are billed each for itself, each at its own model.
sub_calls as (
    select
        source_id,
        request_id,
        unnest(cast(iterations as json[])) as call,
        generate_subscripts(cast(iterations as json[]), 1) as call_index
    from responses
    where iterations is not null
),

counted_sub_calls as (
    select
        source_id,
        request_id,
        call_index,
        call ->> 'model' as model,
        greatest(coalesce(try_cast(call ->> 'input_tokens' as bigint), 0), 0) as uncached_input_tokens,
        greatest(
            coalesce(
                try_cast(call ->> '$.cache_creation.ephemeral_5m_input_tokens' as bigint),
                case
                    when call ->> '$.cache_creation.ephemeral_1h_input_tokens' is null
                        then try_cast(call ->> 'cache_creation_input_tokens' as bigint)
                end,
                0
            ),
            0
        ) as cache_write_5m_tokens,
        greatest(
            coalesce(try_cast(call ->> '$.cache_creation.ephemeral_1h_input_tokens' as bigint), 0), 0
        ) as cache_write_1h_tokens,
        greatest(coalesce(try_cast(call ->> 'cache_read_input_tokens' as bigint), 0), 0) as cache_read_tokens,
        greatest(coalesce(try_cast(call ->> 'output_tokens' as bigint), 0), 0) as output_tokens
    from sub_calls
),

calls as (
    select
        source_id,
        request_id,
        1 as call_index,
        model,
        started_at,
        coalesce(special_tier, 'standard') as tier,
        coalesce(special_speed, 'standard') as speed,
        coalesce(special_geography, 'global') as geography,
        uncached_input_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        cache_read_tokens,
        output_tokens,
        web_search_count
    from responses
    where iterations is null
    union all
    select
        counted_sub_calls.source_id,
        counted_sub_calls.request_id,
        counted_sub_calls.call_index,
        coalesce(counted_sub_calls.model, responses.model) as model,
        responses.started_at,
        coalesce(responses.special_tier, 'standard') as tier,
        coalesce(responses.special_speed, 'standard') as speed,
        coalesce(responses.special_geography, 'global') as geography,
        counted_sub_calls.uncached_input_tokens,
        counted_sub_calls.cache_write_5m_tokens,
        counted_sub_calls.cache_write_1h_tokens,
        counted_sub_calls.cache_read_tokens,
        counted_sub_calls.output_tokens,
        case when counted_sub_calls.call_index = 1 then responses.web_search_count else 0 end as web_search_count
    from counted_sub_calls
    inner join responses
        on
            counted_sub_calls.source_id = responses.source_id
            and counted_sub_calls.request_id = responses.request_id
),

-- The whole call is billed in the band that its prompt falls into.
call_prices as (
    select
        calls.*,
        calls.uncached_input_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
        + calls.cache_read_tokens as prompt_tokens,
        prices.price_id,
        prices.canonical_model,
        prices.input_picodollars,
        prices.cache_write_5m_picodollars,
        prices.cache_write_1h_picodollars,
        prices.cache_read_picodollars,
        prices.output_picodollars,
        prices.web_search_picodollars
    from calls
    left join prices
        on
            calls.model = prices.model
            and calls.tier = prices.tier
            and calls.speed = prices.speed
            and calls.geography = prices.geography
            and calls.started_at >= prices.valid_from
            and (calls.started_at < prices.valid_to or prices.valid_to is null)
            and (
                prices.prompt_above_tokens = 0
                or calls.uncached_input_tokens + calls.cache_write_5m_tokens + calls.cache_write_1h_tokens
                + calls.cache_read_tokens > prices.prompt_above_tokens
            )
    qualify
        row_number() over (
            partition by calls.source_id, calls.request_id, calls.call_index
            order by prices.prompt_above_tokens desc nulls last, prices.valid_from desc
        ) = 1
),

-- A class that was not used needs no price; one that was used and has none leaves the call unpriced.
billed_calls as (
    select
        *,
        case when uncached_input_tokens = 0 then 0 else uncached_input_tokens * input_picodollars end
        + case when cache_write_5m_tokens = 0 then 0 else cache_write_5m_tokens * cache_write_5m_picodollars end
        + case when cache_write_1h_tokens = 0 then 0 else cache_write_1h_tokens * cache_write_1h_picodollars end
        + case when cache_read_tokens = 0 then 0 else cache_read_tokens * cache_read_picodollars end
        + case when output_tokens = 0 then 0 else output_tokens * output_picodollars end
        + case when web_search_count = 0 then 0 else web_search_count * web_search_picodollars end
            as call_picodollars
    from call_prices
),

billed as (
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
            when count(price_id) = count(*) and count(call_picodollars) = count(*)
                then cast(sum(call_picodollars) as bigint)
        end as billed_picodollars
    from billed_calls
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
            and kind in ('text', 'tool_call')
        group by all
    )
    group by all
),

-- Lines of the session that owns a response say in which turn it was; its subagent knows better.
placed as (
    select
        responses.*,
        coalesce(responses.agent_id, int_threads.agent_id) as thread_id,
        int_response_lines.turn_index,
        int_response_lines.git_branch
    from responses
    left join int_threads
        on responses.file_id = int_threads.file_id and responses.offset_bytes = int_threads.offset_bytes
    left join int_session_lines as int_response_lines
        on
            responses.file_id = int_response_lines.file_id
            and responses.offset_bytes = int_response_lines.offset_bytes
)

select
    placed.source_id,  -- shard
    placed.request_id,  -- message id; file and offset where the response has none
    placed.session_id,  -- session that paid for it
    int_sessions.owner,  -- person
    int_sessions.project,  -- project of the session
    coalesce(int_agents.turn_index, placed.turn_index) as turn_index,  -- turn it was billed in
    row_number() over (
        partition by placed.source_id, placed.session_id
        order by placed.started_at nulls first, placed.file_id, placed.offset_bytes
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
left join visible on placed.source_id = visible.source_id and placed.request_id = visible.message_id
