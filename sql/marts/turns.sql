-- turns: what each prompt of a person set off, up to the next one.
-- grain: one row per external prompt of a session, and one, -1, for what came before the first
-- key:   source_id, session_id, turn_index
-- reads: int_session_lines, int_sessions, requests, blocks, contents, int_request_waste
-- note:  subagents belong to the turn whose call started them, even if they end later

with spans as (
    select
        int_session_lines.source_id,
        int_session_lines.session_id,
        int_session_lines.turn_index,
        any_value(int_session_lines.uuid order by int_session_lines.line_index)
            filter (where int_session_lines.is_prompt) as prompt_uuid,
        any_value(int_session_lines.file_id order by int_session_lines.line_index)
            filter (where int_session_lines.is_prompt) as file_id,
        any_value(int_session_lines.offset_bytes order by int_session_lines.line_index)
            filter (where int_session_lines.is_prompt) as offset_bytes,
        bool_or(int_session_lines.is_inherited and int_session_lines.is_prompt) as is_prompt_inherited,
        bool_and(int_session_lines.is_inherited) as is_all_inherited,
        any_value(int_session_lines.logged_at order by int_session_lines.line_index)
            filter (where int_session_lines.is_prompt) as prompted_at,
        min(int_session_lines.logged_at) as first_at,
        max(int_session_lines.logged_at) as last_at
    from int_session_lines
    semi join int_sessions
        on
            int_session_lines.source_id = int_sessions.source_id
            and int_session_lines.session_id = int_sessions.session_id
    group by all
),

request_sums as (
    select
        source_id,
        session_id,
        turn_index,
        count(*) as requests_count,
        cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
        cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        max(prompt_tokens) filter (where not is_sidechain) as peak_context_tokens,
        sum(billed_usd) as incurred_usd,
        sum(estimated_usd) as estimated_usd,
        sum(cache_excess_usd) as cache_excess_usd,
        sum(fees_usd) as fees_usd,
        cast(sum(missed_tokens) as bigint) as missed_tokens,
        cast(sum(prompt_tokens) as bigint) as sent_tokens
    from requests
    group by all
),

waste_sums as (
    select
        source_id,
        session_id,
        turn_index,
        cast(sum(waste_tokens) as bigint) as waste_tokens,
        sum(waste_usd) as waste_usd
    from int_request_waste
    group by all
),

-- Whatever a turn brought into a context is charged to it for as long as it stays.
caused_sums as (
    select
        source_id,
        session_id,
        turn_index,
        sum(lifetime_usd) as lifetime_usd,
        cast(sum(size_tokens) filter (where not is_inherited) as bigint) as admitted_tokens
    from blocks
    group by all
),

call_counts as (
    select
        source_id,
        session_id,
        turn_index,
        count(*) filter (where kind = 'tool_call') as tool_calls_count,
        count(*) filter (where kind = 'tool_result' and is_error) as tool_errors_count
    from blocks
    where not is_inherited
    group by all
),

prompt_blocks as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.file_id,
        blocks.offset_bytes,
        -- A line may hold an image before the words, or the words of several blocks: the first words name the turn.
        arg_min(blocks.content_hash, blocks.line_block_index) as prompt_hash,
        arg_min(blocks.preview, blocks.line_block_index) as preview,
        arg_min(blocks.text_chars, blocks.line_block_index) as text_chars
    from blocks
    semi join spans on blocks.file_id = spans.file_id and blocks.offset_bytes = spans.offset_bytes
    where blocks.kind in ('prompt', 'command')
    group by all
),

-- Most prompts are as short as their preview: the store of all texts is read only for those that are not.
cut_prompts as (
    select
        source_id,
        prompt_hash
    from prompt_blocks
    where text_chars > length(preview)
),

prompt_texts as (
    select
        contents.source_id,
        contents.content_hash,
        substr(contents.text, 1, 2000) as prompt
    from contents
    semi join cut_prompts
        on contents.source_id = cut_prompts.source_id and contents.content_hash = cut_prompts.prompt_hash
)

select
    spans.source_id,  -- shard
    spans.session_id,  -- session
    spans.turn_index,  -- position in its session, from 0; -1 before the first prompt
    spans.prompt_uuid,  -- line of the prompt
    spans.file_id,  -- line of the prompt
    spans.offset_bytes,  -- line of the prompt
    coalesce(prompt_texts.prompt, prompt_blocks.preview) as prompt,  -- its first 2,000 characters
    prompt_blocks.prompt_hash,  -- key of contents
    coalesce(spans.is_prompt_inherited, spans.is_all_inherited) as is_inherited,  -- copied here: not paid here
    coalesce(spans.prompted_at, spans.first_at) as started_at,  -- time of the prompt
    spans.last_at as ended_at,  -- last line before the next prompt
    coalesce(request_sums.requests_count, 0) as requests_count,  -- responses billed in it, subagents included
    coalesce(call_counts.tool_calls_count, 0) as tool_calls_count,  -- own tool calls
    coalesce(call_counts.tool_errors_count, 0) as tool_errors_count,  -- results flagged as errors
    coalesce(request_sums.uncached_input_tokens, 0) as uncached_input_tokens,  -- tokens
    coalesce(request_sums.cache_write_5m_tokens, 0) as cache_write_5m_tokens,  -- tokens
    coalesce(request_sums.cache_write_1h_tokens, 0) as cache_write_1h_tokens,  -- tokens
    coalesce(request_sums.cache_read_tokens, 0) as cache_read_tokens,  -- tokens
    coalesce(request_sums.output_tokens, 0) as output_tokens,  -- tokens, as logged
    request_sums.peak_context_tokens,  -- tokens of the longest prompt of the main thread
    request_sums.incurred_usd,  -- US dollars billed in it; null when nothing in it is priced
    case
        when caused_sums.lifetime_usd is not null or request_sums.fees_usd is not null
            then coalesce(caused_sums.lifetime_usd, 0) + coalesce(request_sums.fees_usd, 0)
    end as caused_usd,  -- US dollars over the whole life of what it brought in
    request_sums.estimated_usd,  -- US dollars billed in it, best estimate
    request_sums.cache_excess_usd,  -- US dollars of it that missing the cache cost on top
    coalesce(waste_sums.waste_tokens, 0) as waste_tokens,  -- tokens, prompts and output
    case when request_sums.incurred_usd is not null then coalesce(waste_sums.waste_usd, 0) end
        as waste_usd,  -- US dollars of it that were waste, content lane
    coalesce(request_sums.missed_tokens, 0) as missed_tokens,  -- tokens that should have been read
    coalesce(caused_sums.admitted_tokens, 0) as admitted_tokens,  -- tokens that entered a context
    greatest(
        coalesce(request_sums.sent_tokens, 0) - coalesce(caused_sums.admitted_tokens, 0), 0
    ) as resent_tokens  -- prompt tokens that had been sent before
from spans
left join request_sums
    on
        spans.source_id = request_sums.source_id
        and spans.session_id = request_sums.session_id
        and spans.turn_index = request_sums.turn_index
left join waste_sums
    on
        spans.source_id = waste_sums.source_id
        and spans.session_id = waste_sums.session_id
        and spans.turn_index = waste_sums.turn_index
left join caused_sums
    on
        spans.source_id = caused_sums.source_id
        and spans.session_id = caused_sums.session_id
        and spans.turn_index = caused_sums.turn_index
left join call_counts
    on
        spans.source_id = call_counts.source_id
        and spans.session_id = call_counts.session_id
        and spans.turn_index = call_counts.turn_index
left join prompt_blocks
    on spans.file_id = prompt_blocks.file_id and spans.offset_bytes = prompt_blocks.offset_bytes
left join prompt_texts
    on prompt_blocks.source_id = prompt_texts.source_id and prompt_blocks.prompt_hash = prompt_texts.content_hash
where
    spans.turn_index >= 0
    or request_sums.requests_count > 0
    or call_counts.tool_calls_count > 0
    or caused_sums.lifetime_usd > 0
