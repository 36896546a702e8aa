-- sessions: one row for each session: whose, about what, how much.
-- grain: one row per session; its subagents, resumes and parts in several files are joined
-- key:   source_id, session_id
-- reads: int_sessions, int_session_lines, int_response_copies, requests, request_context, lineages, unlogged_calls, turns,
--        blocks, stg_event_lines, int_request_waste
-- note:  history copied from another session is context here, not cost: its responses are counted apart

with request_sums as (
    select
        source_id,
        session_id,
        count(*) as requests_count,
        cast(sum(uncached_input_tokens) as bigint) as uncached_input_tokens,
        cast(sum(cache_write_5m_tokens) as bigint) as cache_write_5m_tokens,
        cast(sum(cache_write_1h_tokens) as bigint) as cache_write_1h_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        max(prompt_tokens) filter (where not is_sidechain) as peak_context_tokens,
        sum(billed_usd) as billed_usd,
        sum(estimated_usd) as estimated_usd,
        sum(content_usd) as content_usd,
        sum(cache_excess_usd) as cache_excess_usd,
        sum(premium_usd) as premium_usd,
        sum(fees_usd) as fees_usd,
        cast(sum(missed_tokens) as bigint) as missed_tokens,
        cast(sum(prompt_tokens) as bigint) as sent_tokens,
        count(*) filter (where lineage_truth = 'exact') as exact_count,
        count(*) filter (where lineage_truth = 'snapshot') as snapshot_count,
        count(*) filter (where billed_usd is null) as unpriced_requests_count,
        count(*) filter (where is_output_floor) as floor_requests_count
    from requests
    group by all
),

waste_sums as (
    select
        source_id,
        session_id,
        cast(sum(waste_tokens) as bigint) as waste_tokens,
        sum(waste_usd) as waste_usd
    from int_request_waste
    group by all
),

context_sums as (
    select
        source_id,
        session_id,
        cast(
            sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens)
                filter (where kind = 'hidden') as bigint
        ) as hidden_tokens,
        cast(
            sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens)
                filter (where kind in ('system', 'tool_schema')) as bigint
        ) as system_tokens
    from request_context
    group by all
),

-- A pair is a request and the one before it in its lineage: nothing but growth lies between them.
pairs as (
    select
        requests.source_id,
        requests.session_id,
        count(*) as pairs_count,
        count(*) filter (where requests.cache_read_tokens = requests.previous_cached_tokens) as identical_pairs_count
    from requests
    anti join lineages
        on
            requests.source_id = lineages.source_id
            and requests.session_id = lineages.session_id
            and requests.request_id = lineages.first_request_id
    where requests.previous_request_id is not null
    group by all
),

unlogged as (
    select
        source_id,
        session_id,
        sum(estimated_usd) as estimated_usd
    from unlogged_calls
    group by all
),

client_totals as (
    select
        source_id,
        session_id,
        arg_max(
            try_cast(payload ->> 'totalCostUSD' as double),
            (coalesce(logged_at, timestamptz '1970-01-01'), path, offset_bytes)
        ) as total_usd
    from stg_event_lines
    where type = 'cost-state'
    group by all
),

lineage_counts as (
    select
        source_id,
        session_id,
        count(*) as lineages_count
    from lineages
    group by all
),

model_tokens as (
    select
        source_id,
        session_id,
        model,
        sum(uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens + output_tokens)
            as tokens
    from requests
    where model is not null
    group by all
),

session_models as (
    select
        source_id,
        session_id,
        list(model order by tokens desc, model) as models
    from model_tokens
    group by all
),

inherited_by_owner as (
    select
        source_id,
        session_id,
        owner_session_id,
        count(distinct request_id) as requests_count
    from int_response_copies
    where session_id <> owner_session_id
    group by all
),

inherited as (
    select
        source_id,
        session_id,
        sum(requests_count) as inherited_requests_count,
        arg_max(owner_session_id, (requests_count, owner_session_id)) as copied_from_session_id
    from inherited_by_owner
    group by all
),

block_counts as (
    select
        source_id,
        session_id,
        count(*) filter (where kind = 'tool_call') as tool_calls_count,
        count(*) filter (where kind = 'tool_result' and is_error) as tool_errors_count,
        count(distinct agent_id) as agents_count
    from blocks
    where not is_inherited
    group by all
),

turn_counts as (
    select
        source_id,
        session_id,
        count(*) filter (where turn_index >= 0 and not is_inherited) as turns_count,
        -- What was answered says more than a /clear or /model before it.
        arg_min(prompt, (coalesce(requests_count, 0) = 0, turn_index))
            filter (where prompt is not null and not is_inherited) as first_prompt
    from turns
    group by all
),

-- The client logs a slash command as markup; a person wrote `/review 12`.
first_prompts as (
    select
        source_id,
        session_id,
        trim(
            regexp_replace(
                case
                    when regexp_matches(first_prompt, '^\s*<command-(name|message)>.*<command-name>|^\s*<command-name>', 's')
                        then concat(
                            '/',
                            ltrim(trim(regexp_extract(first_prompt, '<command-name>(.*?)</command-name>', 1, 's')), '/'),
                            ' ',
                            regexp_extract(first_prompt, '<command-args>(.*?)(</command-args>|$)', 1, 's')
                        )
                    when regexp_matches(first_prompt, '^\s*<bash-input>')
                        then concat('! ', regexp_extract(first_prompt, '<bash-input>(.*?)(</bash-input>|$)', 1, 's'))
                    else first_prompt
                end,
                '\s+', ' ', 'g'
            )
        ) as prompt
    from turn_counts
),

given_titles as (
    select
        source_id,
        session_id,
        arg_max(payload ->> 'customTitle', (coalesce(logged_at, timestamptz '1970-01-01'), path, offset_bytes))
            filter (where type = 'custom-title') as custom_title,
        arg_max(payload ->> 'aiTitle', (coalesce(logged_at, timestamptz '1970-01-01'), path, offset_bytes))
            filter (where type = 'ai-title') as client_title
    from stg_event_lines
    where type in ('custom-title', 'ai-title')
    group by all
),

-- Up to 2.1.22 a title may stand in any file; it names the last line of the session it is about.
summary_titles as (
    select
        int_session_lines.source_id,
        int_session_lines.session_id,
        arg_max(
            stg_event_lines.payload ->> 'summary',
            (int_session_lines.line_index, stg_event_lines.path, stg_event_lines.offset_bytes)
        ) as summary_title
    from stg_event_lines
    inner join int_session_lines
        on
            stg_event_lines.source_id = int_session_lines.source_id
            and (stg_event_lines.payload ->> 'leafUuid') = int_session_lines.uuid
    where stg_event_lines.type = 'summary'
    group by all
)

select
    int_sessions.source_id,  -- shard
    int_sessions.session_id,  -- session
    int_sessions.owner,  -- person
    int_sessions.project,  -- last part of the first working directory
    int_sessions.project_path,  -- first working directory
    int_sessions.git_branch,  -- branch seen last
    coalesce(
        nullif(given_titles.custom_title, ''),
        nullif(given_titles.client_title, ''),
        nullif(summary_titles.summary_title, ''),
        nullif(substr(first_prompts.prompt, 1, 80), '')
    ) as title,  -- custom, else the client's, else how the first prompt begins that was answered
    int_sessions.started_at,  -- first own line
    int_sessions.ended_at,  -- last own line
    int_sessions.first_version,  -- lowest client version
    int_sessions.last_version,  -- highest client version
    coalesce(session_models.models, []) as models,  -- models that answered, by tokens
    coalesce(int_sessions.forked_from_session_id, inherited.copied_from_session_id)
        as forked_from_session_id,  -- session whose history stands copied at its start
    int_sessions.files_count,  -- files that hold lines of it
    int_sessions.lines_count,  -- distinct lines
    coalesce(turn_counts.turns_count, 0) as turns_count,  -- own turns
    coalesce(request_sums.requests_count, 0) as requests_count,  -- responses billed here
    cast(coalesce(inherited.inherited_requests_count, 0) as bigint) as inherited_requests_count,  -- responses copied here
    coalesce(block_counts.tool_calls_count, 0) as tool_calls_count,  -- own tool calls
    coalesce(block_counts.tool_errors_count, 0) as tool_errors_count,  -- results flagged as errors
    coalesce(block_counts.agents_count, 0) as agents_count,  -- subagents
    int_sessions.compactions_count,  -- own compactions
    coalesce(request_sums.uncached_input_tokens, 0) as uncached_input_tokens,  -- tokens
    coalesce(request_sums.cache_write_5m_tokens, 0) as cache_write_5m_tokens,  -- tokens
    coalesce(request_sums.cache_write_1h_tokens, 0) as cache_write_1h_tokens,  -- tokens
    coalesce(request_sums.cache_read_tokens, 0) as cache_read_tokens,  -- tokens
    coalesce(request_sums.output_tokens, 0) as output_tokens,  -- tokens, as logged
    request_sums.peak_context_tokens,  -- tokens of the longest prompt of the main thread
    request_sums.billed_usd,  -- US dollars over priced requests; null when none is priced
    request_sums.estimated_usd,  -- US dollars, best estimate
    unlogged.estimated_usd as estimated_unlogged_usd,  -- US dollars of calls that no line shows, estimated
    client_totals.total_usd as client_total_usd,  -- US dollars, the client's own running total
    request_sums.content_usd,  -- US dollars, content lane
    request_sums.cache_excess_usd,  -- US dollars, cache lane
    request_sums.premium_usd,  -- US dollars, premium lane
    request_sums.fees_usd,  -- US dollars, fees
    coalesce(waste_sums.waste_tokens, 0) as waste_tokens,  -- tokens, prompts and output
    case when request_sums.content_usd is not null then coalesce(waste_sums.waste_usd, 0) end
        as waste_usd,  -- US dollars, part of content_usd
    coalesce(request_sums.missed_tokens, 0) as missed_tokens,  -- tokens that should have been read from cache
    coalesce(request_sums.sent_tokens, 0) as sent_tokens,  -- prompt tokens of all requests
    coalesce(context_sums.hidden_tokens, 0) as hidden_tokens,  -- prompt tokens that no line shows
    coalesce(context_sums.system_tokens, 0) as system_tokens,  -- prompt tokens of system prompt and tools
    coalesce(pairs.pairs_count, 0) as pairs_count,  -- requests with one before them in their lineage
    coalesce(pairs.identical_pairs_count, 0) as identical_pairs_count,  -- that read what it had cached, exactly
    coalesce(lineage_counts.lineages_count, 0) as lineages_count,  -- runs of requests that extend each other
    case
        when coalesce(request_sums.requests_count, 0) = 0 then null
        when request_sums.exact_count * 2 > request_sums.requests_count then 'exact'
        when (request_sums.exact_count + request_sums.snapshot_count) * 2 > request_sums.requests_count then 'snapshot'
        else 'inferred'
    end as ledger_truth,  -- exact, snapshot or inferred
    coalesce(request_sums.unpriced_requests_count, 0) as unpriced_requests_count,  -- requests without a price
    coalesce(request_sums.floor_requests_count, 0) as floor_requests_count,  -- requests with a floor for output
    case
        when request_sums.unpriced_requests_count > 0 then 'unpriced'
        when request_sums.floor_requests_count > 0 then 'floor'
        else 'complete'
    end as completeness  -- complete, floor or unpriced
from int_sessions
left join request_sums
    on int_sessions.source_id = request_sums.source_id and int_sessions.session_id = request_sums.session_id
left join waste_sums
    on int_sessions.source_id = waste_sums.source_id and int_sessions.session_id = waste_sums.session_id
left join unlogged
    on int_sessions.source_id = unlogged.source_id and int_sessions.session_id = unlogged.session_id
left join client_totals
    on int_sessions.source_id = client_totals.source_id and int_sessions.session_id = client_totals.session_id
left join context_sums
    on int_sessions.source_id = context_sums.source_id and int_sessions.session_id = context_sums.session_id
left join pairs
    on int_sessions.source_id = pairs.source_id and int_sessions.session_id = pairs.session_id
left join lineage_counts
    on int_sessions.source_id = lineage_counts.source_id and int_sessions.session_id = lineage_counts.session_id
left join session_models
    on int_sessions.source_id = session_models.source_id and int_sessions.session_id = session_models.session_id
left join inherited
    on int_sessions.source_id = inherited.source_id and int_sessions.session_id = inherited.session_id
left join block_counts
    on int_sessions.source_id = block_counts.source_id and int_sessions.session_id = block_counts.session_id
left join turn_counts
    on int_sessions.source_id = turn_counts.source_id and int_sessions.session_id = turn_counts.session_id
left join first_prompts
    on int_sessions.source_id = first_prompts.source_id and int_sessions.session_id = first_prompts.session_id
left join given_titles
    on int_sessions.source_id = given_titles.source_id and int_sessions.session_id = given_titles.session_id
left join summary_titles
    on int_sessions.source_id = summary_titles.source_id and int_sessions.session_id = summary_titles.session_id
