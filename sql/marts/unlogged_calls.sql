-- unlogged_calls: calls that were billed and that no line shows, estimated from what they leave behind.
-- grain: one row per compaction, per call that must have extended a prefix, and per session with calls of a small model
-- key:   source_id, session_id, call_index
-- reads: int_session_lines, int_blocks, int_calls, int_requests, stg_event_lines, int_sessions, int_ledger_calls,
--        ledger_calls, ledger_lineages
-- note:  never part of billed_usd. A compaction sends the whole context: clients before 2.1 without system prompt and
--        tools, so that all of it is written anew; later ones read it from cache, and the instruction is new. Where more
--        was read than all logged calls had cached, a call that broke or was interrupted had cached it: it read the
--        same prefix and wrote the rest, and its output is taken to be that of the call that came instead. Titles,
--        topics and checks of commands go to the small model of the time, Claude Haiku 3.5 (0.80 and 4.00 US dollars
--        per million tokens) or 4.5 (1.00 and 5.00). Sizes as measured with a known bill; half to double stated,
--        to four times for calls that broke

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

-- Clients before 1.0.100 log the command, and neither a boundary nor the summary.
commands as (
    select
        int_blocks.source_id,
        int_blocks.session_id,
        int_blocks.block_index,
        int_blocks.logged_at,
        cast(null as bigint) as text_bytes,
        int_session_lines.client_version
    from int_blocks
    inner join int_session_lines
        on int_blocks.file_id = int_session_lines.file_id and int_blocks.offset_bytes = int_session_lines.offset_bytes
    where
        int_blocks.kind = 'command'
        and not int_blocks.is_inherited
        and not int_blocks.is_sidechain
        and int_blocks.logged_at is not null
        and regexp_matches(int_blocks.preview, '<command-name>/?compact</command-name>')
        and regexp_matches(int_session_lines.client_version, '^0\.|^1\.0\.\d{1,2}$')
),

asked as (
    select *
    from summaries
    union all
    select *
    from commands
    anti join summaries using (source_id, session_id)
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

-- Copied history counts: a compaction may be the first thing that a resumed session does.
before as (
    select
        source_id,
        session_id,
        first_block_index,
        uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens as prompt_tokens,
        output_tokens,
        model,
        standard_input_picodollars,
        standard_cache_write_5m_picodollars,
        standard_cache_read_picodollars,
        standard_output_picodollars
    from int_ledger_calls
    where
        thread_id = ''
        and call_index = 1
),

compacted as (
    select
        asked.*,
        boundaries.before_tokens,
        boundaries.logged_at as boundary_at
    from asked
    asof left join boundaries
        on
            asked.source_id = boundaries.source_id
            and asked.session_id = boundaries.session_id
            and asked.logged_at >= boundaries.logged_at
),

-- System prompt and tools of each session, as its first lineage measured them.
static_prefixes as (
    select
        source_id,
        session_id,
        arg_min(static_tokens, lineage_index) as static_tokens
    from ledger_lineages
    where thread_id = ''
    group by all
),

replaced as (
    select
        compacted.source_id,
        compacted.session_id,
        compacted.logged_at,
        before.model,
        regexp_matches(compacted.client_version, '^[01]\.|^2\.0') as is_written_anew,
        coalesce(compacted.before_tokens, before.prompt_tokens + before.output_tokens, 0) as context_tokens,
        coalesce(static_prefixes.static_tokens, 0) as static_tokens,
        -- 0.3 tokens per byte lies between the two tokenizer families; where the log hides the summary, as measured.
        coalesce(cast(compacted.text_bytes * 0.3 as bigint), 500) as output_tokens,
        before.standard_input_picodollars,
        before.standard_cache_write_5m_picodollars,
        before.standard_cache_read_picodollars,
        before.standard_output_picodollars
    from compacted
    asof left join before
        on
            compacted.source_id = before.source_id
            and compacted.session_id = before.session_id
            and compacted.block_index >= before.first_block_index
    left join static_prefixes
        on
            compacted.source_id = static_prefixes.source_id
            and compacted.session_id = static_prefixes.session_id
    anti join logged_compactions
        on
            compacted.source_id = logged_compactions.source_id
            and compacted.session_id = logged_compactions.session_id
),

compactions as (
    select
        source_id,
        session_id,
        'compaction' as occasion,
        logged_at,
        model,
        case
            -- Its own instruction, system prompt and tool: 2,100 tokens.
            when is_written_anew then greatest(context_tokens - static_tokens, 0) + 2100
            else context_tokens + 1700
        end as prompt_tokens,
        output_tokens,
        case
            when is_written_anew
                then (greatest(context_tokens - static_tokens, 0) + 2100) * standard_cache_write_5m_picodollars
            else context_tokens * standard_cache_read_picodollars + 1700 * standard_input_picodollars
        end as prompt_picodollars,
        output_tokens * standard_output_picodollars as output_picodollars
    from replaced
),

extending_calls as (
    select
        int_requests.source_id,
        int_requests.session_id,
        'broken or interrupted' as occasion,
        int_requests.started_at as logged_at,
        int_calls.model,
        ledger_calls.previous_cached_tokens + ledger_calls.over_read_tokens as prompt_tokens,
        int_calls.output_tokens,
        ledger_calls.previous_cached_tokens * int_calls.standard_cache_read_picodollars
        + ledger_calls.over_read_tokens * int_calls.standard_cache_write_5m_picodollars as prompt_picodollars,
        int_calls.output_tokens * int_calls.standard_output_picodollars as output_picodollars
    from ledger_calls
    inner join int_calls
        on
            ledger_calls.source_id = int_calls.source_id
            and ledger_calls.request_id = int_calls.request_id
            and ledger_calls.call_index = int_calls.call_index
    inner join int_requests
        on ledger_calls.source_id = int_requests.source_id and ledger_calls.request_id = int_requests.request_id
    where
        ledger_calls.over_read_tokens > 0
        and ledger_calls.extended_by_request_id is null
),

titles as (
    select
        stg_event_lines.source_id,
        stg_event_lines.session_id,
        'title' as occasion,
        min(stg_event_lines.logged_at) as logged_at,
        'claude-haiku-4-5-20251001' as model,
        350 as prompt_tokens,
        15 as output_tokens,
        350 * 1000000 as prompt_picodollars,
        15 * 5000000 as output_picodollars
    from stg_event_lines
    inner join int_sessions
        on
            stg_event_lines.source_id = int_sessions.source_id
            and stg_event_lines.session_id = int_sessions.session_id
    where stg_event_lines.type = 'ai-title'
    group by all
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
        prompt_tokens * 800000 as prompt_picodollars,
        output_tokens * 4000000 as output_picodollars
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
    from extending_calls
    union all
    select *
    from titles
    union all
    select *
    from small_model_calls
)

select
    source_id,  -- shard
    session_id,  -- session
    row_number() over (partition by source_id, session_id order by logged_at, occasion, prompt_tokens) - 1
        as call_index,  -- position, from 0
    occasion,  -- compaction, broken or interrupted, title, or small-model checks
    logged_at,  -- time of what it left behind
    model,  -- model it is taken to have used
    prompt_tokens,  -- tokens, estimated
    output_tokens,  -- tokens, estimated
    cast(prompt_picodollars + output_picodollars as decimal(26, 0))
    * cast(0.000000000001 as decimal(12, 12)) as estimated_usd,  -- US dollars; null when the model has no price
    cast((prompt_picodollars + output_picodollars) // 2 as decimal(26, 0))
    * cast(0.000000000001 as decimal(12, 12)) as low_usd,  -- US dollars, lower end
    -- How far an answer had come when it broke is not known.
    cast(
        (prompt_picodollars + output_picodollars) * case when occasion = 'broken or interrupted' then 4 else 2 end
        as decimal(26, 0)
    )
    * cast(0.000000000001 as decimal(12, 12)) as high_usd  -- US dollars, upper end
from calls
