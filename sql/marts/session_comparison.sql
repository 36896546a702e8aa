-- session_comparison: every measure by which two sessions, or two groups of them, can be compared.
-- grain: one row per session with a billed response of its own
-- key:   source_id, session_id
-- reads: sessions, turns, requests, request_labels, blocks, edits, lineages, stg_event_lines
-- note:  per turn means per own prompt that got a response; without one, and without a price, a measure is null. Output that the log lost is
--        estimated: what is told at best estimate says so in its name, and its ends are the ends of that estimate alone

with request_sums as (
    select
        source_id,
        session_id,
        cast(sum(missed_tokens) as bigint) as missed_tokens,
        cast(sum(web_search_count) as bigint) as web_searches_count,
        count(distinct model) as models_count,
        cast(sum(output_estimated_tokens) as bigint) as output_estimated_tokens,
        cast(sum(output_low_tokens) as bigint) as output_low_tokens,
        cast(sum(output_high_tokens) as bigint) as output_high_tokens,
        count(*) filter (not is_output_logged) as estimated_requests_count
    from requests
    group by all
),

-- What a response's lost output is labelled nobody knows: it is divided as the logged output is.
wasted_output as (
    select
        source_id,
        request_id,
        coalesce(sum(output_tokens) filter (starts_with(label, 'C')), 0) / nullif(sum(output_tokens), 0) as wasted_ratio
    from request_labels
    group by all
),

lost_output as (
    select
        requests.source_id,
        requests.session_id,
        coalesce(wasted_output.wasted_ratio, 0) as wasted_ratio,
        cast(requests.estimated_usd - requests.billed_usd as double) as lost_usd,
        (requests.output_low_tokens - requests.output_tokens)
        / nullif(requests.output_estimated_tokens - requests.output_tokens, 0) as low_ratio,
        (requests.output_high_tokens - requests.output_tokens)
        / nullif(requests.output_estimated_tokens - requests.output_tokens, 0) as high_ratio
    from requests
    left join wasted_output
        on requests.source_id = wasted_output.source_id and requests.request_id = wasted_output.request_id
    where requests.output_estimated_tokens > requests.output_tokens
),

lost_sums as (
    select
        source_id,
        session_id,
        sum(lost_usd * low_ratio) as low_usd,
        sum(lost_usd * high_ratio) as high_usd,
        sum(lost_usd * wasted_ratio) as wasted_usd,
        sum(lost_usd * low_ratio * wasted_ratio) as wasted_low_usd,
        sum(lost_usd * high_ratio * wasted_ratio) as wasted_high_usd
    from lost_output
    group by all
),

costs as (
    select
        sessions.source_id,
        sessions.session_id,
        cast(sessions.billed_usd as double) as billed_usd,
        cast(sessions.estimated_usd as double) as estimated_usd,
        cast(sessions.billed_usd as double) + coalesce(lost_sums.low_usd, 0) as low_usd,
        cast(sessions.billed_usd as double) + coalesce(lost_sums.high_usd, 0) as high_usd,
        cast(sessions.waste_usd + sessions.cache_excess_usd as double) as waste_usd,
        coalesce(lost_sums.wasted_usd, 0) as wasted_usd,
        coalesce(lost_sums.wasted_low_usd, 0) as wasted_low_usd,
        coalesce(lost_sums.wasted_high_usd, 0) as wasted_high_usd
    from sessions
    left join lost_sums
        on sessions.source_id = lost_sums.source_id and sessions.session_id = lost_sums.session_id
),

turn_sums as (
    select
        source_id,
        session_id,
        count(*) filter (requests_count > 0) as answered_turns_count,
        sum(epoch(ended_at) - epoch(started_at)) as active_seconds
    from turns
    where turn_index >= 0 and not is_inherited
    group by all
),

first_prompts as (
    select
        source_id,
        session_id,
        arg_min(prompt, turn_index) as prompt
    from turns
    where
        turn_index >= 0
        and not is_inherited
        and prompt is not null
        -- What the client did by itself (/clear, /model, a shell command) is no task; a command that the model answered
        -- is. Turns are laid side by side by the same rule: `her_models.compare.similarity.task_of`.
        and (
            not regexp_matches(prompt, '^\s*<(command-|bash-|local-command-|user-memory-)')
            or (
                coalesce(requests_count, 0) > 0
                and not regexp_matches(prompt, '<command-name>\s*/?(clear|compact)\s*</command-name>')
            )
        )
    group by all
),

block_counts as (
    select
        source_id,
        session_id,
        count(*) filter (where kind = 'tool_call' and tool_name = 'Read') as reads_count,
        count(*) filter (
            where kind = 'tool_call' and tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
        ) as edits_count
    from blocks
    where not is_inherited
    group by all
),

edit_sums as (
    select
        source_id,
        session_id,
        cast(sum(written_lines_count) as bigint) as written_lines_count,
        cast(sum(kept_lines_count) as bigint) as kept_lines_count
    from edits
    group by all
),

-- What every prompt of the session began with.
baselines as (
    select
        source_id,
        session_id,
        arg_min(static_tokens, lineage_index) as static_tokens
    from lineages
    where coalesce(thread_id, '') = ''
    group by all
),

-- Newer clients log what they read as instructions. Their order is not kept: the same files give the same hash.
instruction_files as (
    select
        source_id,
        session_id,
        logged_at,
        unnest(from_json(payload, '{"attachment": {"files": [{"content": "VARCHAR"}]}}').attachment.files).content
            as content
    from stg_event_lines
    where type = 'attachment' and subtype = 'instructions' and agent_id is null
),

instructions as (
    select
        source_id,
        session_id,
        logged_at,
        substr(md5(string_agg(content, chr(10) order by content)), 1, 12) as instructions_hash
    from instruction_files
    group by all
),

first_instructions as (
    select
        source_id,
        session_id,
        arg_min(instructions_hash, logged_at) as instructions_hash
    from instructions
    group by all
)

select
    sessions.source_id,  -- shard
    sessions.session_id,  -- session
    sessions.owner,  -- person
    sessions.project,  -- project
    sessions.git_branch,  -- branch seen last
    sessions.title,  -- title
    first_prompts.prompt,  -- first own prompt that is no command of the client alone, its first 2,000 characters
    sessions.started_at,  -- first own line
    sessions.ended_at,  -- last own line
    sessions.models[1] as model,  -- model with the most tokens, as logged
    request_sums.models_count,  -- models that answered
    sessions.last_version as client_version,  -- highest client version
    first_instructions.instructions_hash,  -- of CLAUDE.md and the like at its start; null where no line shows them
    sessions.requests_count,  -- billed responses
    sessions.turns_count,  -- own turns
    coalesce(turn_sums.answered_turns_count, 0) as answered_turns_count,  -- own turns that got a response: not a /clear or /model
    sessions.agents_count,  -- subagents
    sessions.compactions_count,  -- compactions
    sessions.tool_calls_count,  -- tool calls
    sessions.tool_errors_count,  -- results flagged as errors
    coalesce(block_counts.reads_count, 0) as reads_count,  -- calls of Read
    coalesce(block_counts.edits_count, 0) as edits_count,  -- calls of Edit, MultiEdit, Write and NotebookEdit
    coalesce(edit_sums.written_lines_count, 0) as written_lines_count,  -- lines that those which succeeded wrote
    coalesce(edit_sums.kept_lines_count, 0) as kept_lines_count,  -- lines of them that no later edit of the session replaced
    turn_sums.active_seconds,  -- seconds from each prompt to its last line, summed
    sessions.uncached_input_tokens,  -- tokens
    sessions.cache_write_5m_tokens,  -- tokens
    sessions.cache_write_1h_tokens,  -- tokens
    sessions.cache_read_tokens,  -- tokens
    sessions.output_tokens,  -- tokens, as logged
    sessions.uncached_input_tokens
    + sessions.cache_write_5m_tokens
    + sessions.cache_write_1h_tokens
    + sessions.cache_read_tokens
    + sessions.output_tokens as total_tokens,  -- tokens of all classes, as logged
    request_sums.output_estimated_tokens,  -- tokens, best estimate
    request_sums.output_low_tokens,  -- tokens, lower end of its interval, summed over responses
    request_sums.output_high_tokens,  -- tokens, upper end of its interval, summed over responses
    request_sums.missed_tokens,  -- tokens that should have been read from cache
    baselines.static_tokens,  -- tokens of system prompt and tools in the first prompt
    sessions.peak_context_tokens,  -- tokens of the longest prompt of the main thread
    coalesce(request_sums.web_searches_count, 0) as web_searches_count,  -- billed searches
    sessions.cache_read_tokens / nullif(
        sessions.uncached_input_tokens
        + sessions.cache_write_5m_tokens
        + sessions.cache_write_1h_tokens
        + sessions.cache_read_tokens, 0
    ) as cache_hit_ratio,  -- prompt tokens that were read from cache, 0 to 1
    sessions.tool_errors_count / nullif(sessions.tool_calls_count, 0) as error_ratio,  -- tool calls that failed, 0 to 1
    edit_sums.kept_lines_count / nullif(edit_sums.written_lines_count, 0) as survival_ratio,  -- written lines that no later edit by a tool replaced in the session, 0 to 1
    sessions.billed_usd,  -- US dollars over priced requests, at least; null when none is priced
    sessions.estimated_usd,  -- US dollars, best estimate
    cast(costs.low_usd as decimal(38, 12)) as estimated_low_usd,  -- US dollars, lower end of its interval
    cast(costs.high_usd as decimal(38, 12)) as estimated_high_usd,  -- US dollars, upper end of its interval
    sessions.content_usd,  -- US dollars, content lane
    sessions.cache_excess_usd,  -- US dollars, cache lane
    sessions.premium_usd,  -- US dollars, premium lane
    sessions.fees_usd,  -- US dollars, fees
    sessions.waste_usd,  -- US dollars, part of content_usd that was waste, hints left out
    costs.waste_usd / nullif(costs.billed_usd, 0) as waste_ratio,  -- waste and missed cache as a share of billed_usd, 0 to 1
    (costs.waste_usd + costs.wasted_usd) / nullif(costs.estimated_usd, 0) as waste_estimated_ratio,  -- the same at best estimate, 0 to 1
    least(
        (costs.waste_usd + costs.wasted_low_usd) / nullif(costs.low_usd, 0),
        (costs.waste_usd + costs.wasted_high_usd) / nullif(costs.high_usd, 0)
    ) as waste_low_ratio,  -- lower of the two at the ends of the estimate, 0 to 1
    greatest(
        (costs.waste_usd + costs.wasted_low_usd) / nullif(costs.low_usd, 0),
        (costs.waste_usd + costs.wasted_high_usd) / nullif(costs.high_usd, 0)
    ) as waste_high_ratio,  -- higher of the two, 0 to 1
    sessions.unpriced_requests_count,  -- requests whose model has no price
    sessions.floor_requests_count,  -- requests whose output is a lower bound
    request_sums.estimated_requests_count,  -- requests whose output is a placeholder in the log, and estimated
    costs.estimated_usd / nullif(turn_sums.answered_turns_count, 0) as estimated_per_turn_usd,  -- US dollars, best estimate, approximate
    (
        sessions.uncached_input_tokens
        + sessions.cache_write_5m_tokens
        + sessions.cache_write_1h_tokens
        + sessions.cache_read_tokens
        + request_sums.output_estimated_tokens
    ) / nullif(turn_sums.answered_turns_count, 0) as total_estimated_per_turn_tokens,  -- tokens, output at its best estimate
    request_sums.output_estimated_tokens / nullif(turn_sums.answered_turns_count, 0) as output_estimated_per_turn_tokens,  -- tokens, best estimate
    sessions.requests_count / nullif(turn_sums.answered_turns_count, 0) as requests_per_turn_count,  -- responses
    turn_sums.active_seconds / nullif(turn_sums.answered_turns_count, 0) as active_per_turn_seconds,  -- seconds
    sessions.tool_errors_count / nullif(turn_sums.answered_turns_count, 0) as errors_per_turn_count  -- failed tool calls
from sessions
inner join request_sums
    on sessions.source_id = request_sums.source_id and sessions.session_id = request_sums.session_id
inner join costs
    on sessions.source_id = costs.source_id and sessions.session_id = costs.session_id
left join turn_sums
    on sessions.source_id = turn_sums.source_id and sessions.session_id = turn_sums.session_id
left join first_prompts
    on sessions.source_id = first_prompts.source_id and sessions.session_id = first_prompts.session_id
left join block_counts
    on sessions.source_id = block_counts.source_id and sessions.session_id = block_counts.session_id
left join edit_sums
    on sessions.source_id = edit_sums.source_id and sessions.session_id = edit_sums.session_id
left join baselines
    on sessions.source_id = baselines.source_id and sessions.session_id = baselines.session_id
left join first_instructions
    on
        sessions.source_id = first_instructions.source_id
        and sessions.session_id = first_instructions.session_id
