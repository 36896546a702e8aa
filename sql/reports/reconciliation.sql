-- reconciliation: whether the parts of each session's ledger are its bill, and how much of it is estimated.
-- grain: one row per session with a billed response
-- key:   source_id, session_id
-- reads: sessions, requests, request_context, blocks, turns
-- note:  every difference must be 0; shares are of prompt tokens, each counted in every request that sent it

with request_sums as (
    select
        source_id,
        session_id,
        count(*) filter (
            where content_usd + cache_excess_usd + premium_usd + fees_usd is distinct from billed_usd
        ) as requests_differing_count,
        sum(content_usd + cache_excess_usd + premium_usd + fees_usd) as lanes_usd,
        sum(prompt_tokens)::bigint as prompt_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(output_estimated_tokens)::bigint as output_estimated_tokens
    from requests
    group by all
),

kind_sums as (
    select
        source_id,
        session_id,
        sum(content_usd + cache_excess_usd + premium_usd) as usd,
        sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens + output_tokens)::bigint
            as tokens
    from request_context
    group by all
),

sized_blocks as (
    select
        source_id,
        session_id,
        size_class,
        kind,
        lifetime_usd,
        cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens as tokens
    from blocks
),

block_sums as (
    select
        source_id,
        session_id,
        sum(lifetime_usd) as usd,
        coalesce(sum(tokens) filter (where size_class = 'exact'), 0)::bigint as exact_tokens,
        coalesce(sum(tokens) filter (where size_class = 'estimated'), 0)::bigint as estimated_tokens,
        coalesce(sum(tokens) filter (where size_class = 'residual' and kind <> 'hidden'), 0)::bigint as static_tokens,
        coalesce(sum(tokens) filter (where size_class = 'residual' and kind = 'hidden'), 0)::bigint as hidden_tokens
    from sized_blocks
    group by all
),

turn_sums as (
    select
        source_id,
        session_id,
        sum(caused_usd) as usd
    from turns
    group by all
)

select
    sessions.source_id,  -- shard
    sessions.session_id,  -- session
    sessions.project,  -- project
    sessions.started_at,  -- first own line
    sessions.requests_count,  -- billed responses
    sessions.billed_usd,  -- the bill; null when nothing is priced
    coalesce(request_sums.lanes_usd, 0) - coalesce(sessions.billed_usd, 0) as lanes_difference_usd,  -- lanes minus bill
    coalesce(kind_sums.usd, 0) - coalesce(sessions.billed_usd - sessions.fees_usd, 0)
        as kinds_difference_usd,  -- kinds of content minus bill without fees
    coalesce(block_sums.usd, 0) - coalesce(sessions.billed_usd - sessions.fees_usd, 0)
        as blocks_difference_usd,  -- blocks over their lives minus bill without fees
    coalesce(turn_sums.usd, 0) - coalesce(sessions.billed_usd, 0) as turns_difference_usd,  -- what turns caused minus bill
    coalesce(kind_sums.tokens, 0) - request_sums.prompt_tokens - request_sums.output_tokens
        as difference_tokens,  -- tokens of all kinds minus tokens billed
    request_sums.requests_differing_count,  -- responses whose lanes are not their bill
    request_sums.prompt_tokens,  -- tokens sent
    block_sums.exact_tokens,  -- sent in blocks whose size growth alone binds
    block_sums.estimated_tokens,  -- sent in blocks that share a growth by estimates
    block_sums.static_tokens,  -- sent as system prompt and tools, measured as one
    block_sums.hidden_tokens,  -- sent in blocks that no line shows
    sessions.ledger_truth,  -- exact, snapshot or inferred
    sessions.pairs_count,  -- responses with one before them in their lineage
    sessions.identical_pairs_count,  -- that read exactly what the one before had cached
    sessions.output_tokens,  -- output as logged
    request_sums.output_estimated_tokens,  -- output, best estimate
    sessions.estimated_usd,  -- the bill with output that the log lost, best estimate
    sessions.estimated_unlogged_usd,  -- calls that no line shows, estimated
    sessions.client_total_usd,  -- the client's own running total, where logged
    sessions.inherited_requests_count,  -- responses copied from another session
    sessions.floor_requests_count,  -- responses whose output is a lower bound
    sessions.unpriced_requests_count  -- responses without a price
from sessions
inner join request_sums
    on sessions.source_id = request_sums.source_id and sessions.session_id = request_sums.session_id
left join kind_sums on sessions.source_id = kind_sums.source_id and sessions.session_id = kind_sums.session_id
left join block_sums on sessions.source_id = block_sums.source_id and sessions.session_id = block_sums.session_id
left join turn_sums on sessions.source_id = turn_sums.source_id and sessions.session_id = turn_sums.session_id
order by sessions.billed_usd desc nulls last, sessions.source_id, sessions.session_id
