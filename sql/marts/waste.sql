-- waste: findings: what was billed and bought nothing, each with its evidence, its cost and what to do.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: int_waste_findings, int_waste_claims, waste_findings, waste_rules, blocks, requests, int_sessions
-- note:  each cell of a bill is in at most one finding; waste_usd of what counts adds up to the labels C of request_labels

with counted as (
    select
        waste_findings.*,
        waste_findings.cache_read_tokens + waste_findings.cache_write_1h_tokens + waste_findings.cache_write_5m_tokens
        + waste_findings.uncached_tokens + waste_findings.output_tokens as tokens
    from waste_findings
),

-- What was claimed where it entered, and how well its size is known.
entries as (
    select
        int_waste_claims.source_id,
        int_waste_claims.session_id,
        int_waste_claims.kind,
        int_waste_claims.finding_key,
        cast(
            coalesce(
                sum(round(blocks.size_tokens * (int_waste_claims.part_high - int_waste_claims.part_low)))
                filter (where not int_waste_claims.is_call),
                0
            ) as bigint
        ) as entry_tokens,
        sum(blocks.size_tokens) as size_tokens,
        sum(blocks.size_low_tokens) as size_low_tokens,
        sum(blocks.size_high_tokens) as size_high_tokens,
        max(blocks.carried_requests_count) as carried_requests_count
    from int_waste_claims
    inner join blocks
        on
            int_waste_claims.source_id = blocks.source_id
            and int_waste_claims.session_id = blocks.session_id
            and int_waste_claims.block_index = blocks.block_index
    where int_waste_claims.target = 'block'
    group by all
),

joined as (
    select
        int_waste_findings.*,
        counted.* exclude (finding_number),
        row_number() over (
            partition by int_waste_findings.source_id, int_waste_findings.session_id
            order by int_waste_findings.finding_number
        ) - 1 as finding_index,
        waste_rules.confidence,
        waste_rules.is_hint,
        waste_rules.rule_version,
        waste_rules.remedy,
        coalesce(entries.entry_tokens, 0) as entry_tokens,
        coalesce(entries.carried_requests_count, 0) as carried_requests_count,
        -- The interval is that of the sizes: whole requests and output are billed figures.
        -- Where the rule has to estimate a share, of output too, that share has a spread of its own.
        counted.tokens - counted.row_tokens
        - case when waste_rules.spread_ratio = 0 then counted.output_tokens else 0 end as sized_tokens,
        counted.content_picodollars - counted.row_picodollars
        + case when waste_rules.spread_ratio = 0 then 0 else counted.output_picodollars end as sized_picodollars,
        1 - waste_rules.spread_ratio as low_share_ratio,
        1 + waste_rules.spread_ratio as high_share_ratio,
        case
            when waste_rules.confidence = 'exact' or coalesce(entries.size_tokens, 0) = 0 then 1.0
            else entries.size_low_tokens / cast(entries.size_tokens as double)
        end as low_ratio,
        case
            when waste_rules.confidence = 'exact' or coalesce(entries.size_tokens, 0) = 0 then 1.0
            else entries.size_high_tokens / cast(entries.size_tokens as double)
        end as high_ratio
    from int_waste_findings
    inner join counted on int_waste_findings.finding_number = counted.finding_number
    inner join waste_rules on int_waste_findings.kind = waste_rules.kind
    left join entries
        on
            int_waste_findings.source_id = entries.source_id
            and int_waste_findings.session_id = entries.session_id
            and int_waste_findings.kind = entries.kind
            and int_waste_findings.finding_key = entries.finding_key
    where counted.tokens > 0
),

priced as (
    select
        source_id,
        session_id,
        bool_or(billed_picodollars is not null) as is_priced
    from requests
    group by all
),

located as (
    select
        joined.* exclude (request_id),
        coalesce(joined.request_id, call_blocks.request_id, wasted.request_id, wasted.first_request_id) as request_id,
        coalesce(wasted.turn_index, call_blocks.turn_index) as block_turn_index,
        coalesce(wasted.agent_id, call_blocks.agent_id) as block_agent_id,
        coalesce(wasted.logged_at, call_blocks.logged_at) as logged_at,
        coalesce(wasted.tool_name, call_blocks.tool_name) as tool_name,
        coalesce(wasted.path, call_blocks.path) as path,
        coalesce(wasted.file_id, call_blocks.file_id) as file_id,
        coalesce(wasted.offset_bytes, call_blocks.offset_bytes) as offset_bytes,
        evidence_blocks.file_id as evidence_file_id,
        evidence_blocks.offset_bytes as evidence_offset_bytes,
        coalesce(priced.is_priced, false) as is_priced,
        joined.content_picodollars + joined.output_picodollars as waste_picodollars
    from joined
    left join blocks as wasted
        on
            joined.source_id = wasted.source_id
            and joined.session_id = wasted.session_id
            and joined.block_index = wasted.block_index
    left join blocks as call_blocks
        on
            joined.source_id = call_blocks.source_id
            and joined.session_id = call_blocks.session_id
            and joined.call_block_index = call_blocks.block_index
    left join blocks as evidence_blocks
        on
            joined.source_id = evidence_blocks.source_id
            and joined.evidence_session_id = evidence_blocks.session_id
            and joined.evidence_block_index = evidence_blocks.block_index
    left join priced on joined.source_id = priced.source_id and joined.session_id = priced.session_id
)

select
    located.source_id,  -- shard
    located.session_id,  -- session
    located.finding_index,  -- position among the findings of its session
    int_sessions.owner,  -- person
    int_sessions.project,  -- project
    located.label,  -- C1 to C14
    located.kind,  -- rule
    located.confidence,  -- exact, estimated or heuristic
    located.is_hint,  -- shown, never in totals
    located.rule_version,  -- version of the rule
    coalesce(located.block_turn_index, requests.turn_index) as turn_index,  -- turn
    coalesce(located.block_agent_id, requests.agent_id) as agent_id,  -- subagent, if any
    coalesce(located.logged_at, requests.started_at) as started_at,  -- time
    requests.model,  -- as logged
    requests.client_version,  -- client
    located.request_id,  -- response that did it
    located.block_index,  -- block that is waste; null: a whole request
    located.tool_name,  -- tool, where one was used
    located.path,  -- file, where one was named
    located.first_line,  -- first wasted line of it
    located.last_line,  -- last wasted line of it
    coalesce(located.file_id, requests.file_id) as file_id,  -- log line
    coalesce(located.offset_bytes, requests.offset_bytes) as offset_bytes,  -- log line
    located.evidence_session_id,  -- the other side: session
    located.evidence_block_index,  -- the other side: block
    located.evidence_file_id,  -- the other side: log line
    located.evidence_offset_bytes,  -- the other side: log line
    located.evidence_first_line,  -- the other side: first line
    located.evidence_last_line,  -- the other side: last line
    located.evidence,  -- one sentence
    located.remedy,  -- what to do
    located.entry_tokens,  -- tokens of it where it entered, once
    located.tokens,  -- all billed tokens of it
    cast(located.tokens - located.sized_tokens + round(located.sized_tokens * located.low_ratio * located.low_share_ratio) as bigint)
        as low_tokens,  -- lower end
    cast(located.tokens - located.sized_tokens + round(located.sized_tokens * located.high_ratio * located.high_share_ratio) as bigint)
        as high_tokens,  -- upper end
    case when located.is_priced then cast(located.waste_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as waste_usd,  -- US dollars, content lane
    case when located.is_priced then cast(located.row_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as turn_tax_usd,  -- US dollars, part of it: prompts that would not have been sent
    case when located.is_priced then cast(located.cache_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) end
        as cache_excess_usd,  -- US dollars of the same tokens in the cache lane, never added
    case
        when located.is_priced
            then cast(
                located.waste_picodollars - located.sized_picodollars
                + cast(round(located.sized_picodollars * located.low_ratio * located.low_share_ratio) as bigint)
                as decimal(26, 0)
            ) * cast(0.000000000001 as decimal(12, 12))
    end as low_usd,  -- US dollars, lower end
    case
        when located.is_priced
            then cast(
                located.waste_picodollars - located.sized_picodollars
                + cast(round(located.sized_picodollars * located.high_ratio * located.high_share_ratio) as bigint)
                as decimal(26, 0)
            ) * cast(0.000000000001 as decimal(12, 12))
    end as high_usd,  -- US dollars, upper end
    located.carried_requests_count  -- prompts that held it whole
from located
left join int_sessions
    on located.source_id = int_sessions.source_id and located.session_id = int_sessions.session_id
left join requests on located.source_id = requests.source_id and located.request_id = requests.request_id
