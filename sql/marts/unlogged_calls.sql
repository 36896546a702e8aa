-- unlogged_calls: calls that were billed and that no line shows, estimated from what they leave behind.
-- grain: one row per compaction, and one per session for the small-model calls of clients before 2.1
-- key:   source_id, session_id, call_index
-- reads: int_session_lines, int_blocks, int_calls, int_requests, stg_event_lines, int_sessions
-- note:  never part of billed_usd. A compaction sends the whole context: clients before 2.1 with another system
--        prompt, so that all of it is written anew; later ones read it from cache. Small-model calls (titles, topics,
--        checks of commands and their output) are priced as Claude Haiku 3.5 (0.80 and 4.00 US dollars per million
--        tokens), the model those clients used; sizes per call as measured with a known bill, half to double stated

with summaries as (
    select
        int_blocks.source_id,
        int_blocks.session_id,
        int_blocks.block_index,
        int_blocks.logged_at,
        int_blocks.text_bytes,
        int_session_lines.client_version
    from int_blocks
    inner join int_session_lines
        on int_blocks.file_id = int_session_lines.file_id and int_blocks.offset_bytes = int_session_lines.offset_bytes
    where
        int_blocks.kind = 'compact_summary'
        and not int_blocks.is_inherited
        and not int_blocks.is_sidechain
        and int_blocks.logged_at is not null
),

boundaries as (
    select
        source_id,
        session_id,
        logged_at,
        max(try_cast(payload ->> '$.compactMetadata.preTokens' as bigint)) as before_tokens
    from stg_event_lines
    where
        subtype = 'compact_boundary'
        and logged_at is not null
    group by all
),

-- Some clients log the compaction as a subagent of its own: it is billed there.
logged_compactions as (
    select distinct
        source_id,
        session_id
    from int_requests
    where agent_id like 'acompact%'
),

before as (
    select
        int_requests.source_id,
        int_requests.session_id,
        int_requests.started_at,
        int_requests.request_id,
        int_requests.prompt_tokens,
        int_requests.output_tokens,
        int_calls.model,
        int_calls.standard_cache_write_5m_picodollars,
        int_calls.standard_cache_read_picodollars,
        int_calls.standard_output_picodollars
    from int_requests
    inner join int_calls
        on int_requests.source_id = int_calls.source_id and int_requests.request_id = int_calls.request_id
    where
        not int_requests.is_sidechain
        and int_calls.call_index = 1
        and int_requests.started_at is not null
),

compacted as (
    select
        summaries.*,
        boundaries.before_tokens,
        boundaries.logged_at as boundary_at
    from summaries
    asof left join boundaries
        on
            summaries.source_id = boundaries.source_id
            and summaries.session_id = boundaries.session_id
            and summaries.logged_at >= boundaries.logged_at
),

compactions as (
    select
        compacted.source_id,
        compacted.session_id,
        'compaction' as occasion,
        compacted.logged_at,
        before.model,
        coalesce(compacted.before_tokens, before.prompt_tokens + before.output_tokens, 0) as prompt_tokens,
        -- 0.3 tokens per byte lies between the two tokenizer families.
        cast(compacted.text_bytes * 0.3 as bigint) as output_tokens,
        case
            when regexp_matches(compacted.client_version, '^[01]\.|^2\.0') then before.standard_cache_write_5m_picodollars
            else before.standard_cache_read_picodollars
        end as prompt_picodollars,
        before.standard_output_picodollars as output_picodollars
    from compacted
    asof left join before
        on
            compacted.source_id = before.source_id
            and compacted.session_id = before.session_id
            and compacted.logged_at >= before.started_at
    anti join logged_compactions
        on
            compacted.source_id = logged_compactions.source_id
            and compacted.session_id = logged_compactions.session_id
),

small_model_calls as (
    select
        int_blocks.source_id,
        int_blocks.session_id,
        'small-model checks' as occasion,
        min(int_sessions.started_at) as logged_at,
        'claude-3-5-haiku-20241022' as model,
        cast(
            -- prefix check and output check of each command, topic of each prompt, title and file list of the session
            800 * count(*) filter (where int_blocks.kind = 'tool_call' and int_blocks.tool_name = 'Bash')
            + sum(
                case when int_blocks.kind = 'tool_result' and int_blocks.tool_name = 'Bash' then int_blocks.text_bytes else 0 end
            ) * 0.35
            + 110 * count(*) filter (where int_blocks.kind = 'prompt')
            + 450 as bigint
        ) as prompt_tokens,
        cast(
            20 * count(*) filter (where int_blocks.kind = 'prompt' or (int_blocks.kind = 'tool_call' and int_blocks.tool_name = 'Bash'))
            + 40 as bigint
        ) as output_tokens,
        800000 as prompt_picodollars,
        4000000 as output_picodollars
    from int_blocks
    inner join int_sessions
        on int_blocks.source_id = int_sessions.source_id and int_blocks.session_id = int_sessions.session_id
    where
        not int_blocks.is_inherited
        and regexp_matches(int_sessions.last_version, '^[01]\.|^2\.0')
    group by all
),

calls as (
    select *
    from compactions
    union all
    select *
    from small_model_calls
)

select
    source_id,  -- shard
    session_id,  -- session
    row_number() over (partition by source_id, session_id order by logged_at, occasion, prompt_tokens) - 1
        as call_index,  -- position, from 0
    occasion,  -- compaction, or small-model checks
    logged_at,  -- time of what it left behind
    model,  -- model it is taken to have used
    prompt_tokens,  -- tokens, estimated
    output_tokens,  -- tokens, estimated
    cast(prompt_tokens * prompt_picodollars + output_tokens * output_picodollars as decimal(26, 0))
    * cast(0.000000000001 as decimal(12, 12)) as estimated_usd,  -- US dollars; null when the model has no price
    cast((prompt_tokens * prompt_picodollars + output_tokens * output_picodollars) // 2 as decimal(26, 0))
    * cast(0.000000000001 as decimal(12, 12)) as low_usd,  -- US dollars, lower end
    cast((prompt_tokens * prompt_picodollars + output_tokens * output_picodollars) * 2 as decimal(26, 0))
    * cast(0.000000000001 as decimal(12, 12)) as high_usd  -- US dollars, upper end
from calls
