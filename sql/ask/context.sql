-- context: what is in the context at the end of a turn of a session, by kind of content.
-- grain: one row per kind, the largest first, at most $limit
-- key:   kind
-- reads: requests, request_context, blocks

with last_request as (
    select source_id, request_id, session_id, prompt_tokens, started_at, turn_index
    from requests
    where
        source_id = $source_id
        and session_id = $session_id
        and not is_sidechain
        and ($turn_index is null or turn_index <= $turn_index)
    order by request_index desc
    limit 1
),

spot as (
    select min(blocks.block_index) as block_index
    from blocks
    inner join last_request on blocks.source_id = last_request.source_id and blocks.request_id = last_request.request_id
    where blocks.session_id = $session_id and blocks.file_id is not null and not blocks.is_inherited
),

kinds as (
    select
        request_context.kind,
        request_context.cache_read_tokens + request_context.cache_write_1h_tokens
        + request_context.cache_write_5m_tokens + request_context.uncached_tokens as tokens
    from request_context
    inner join last_request
        on
            request_context.source_id = last_request.source_id
            and request_context.request_id = last_request.request_id
)

select
    concat(
        printf('%,d', kinds.tokens::bigint), ' of ', printf('%,d', coalesce(last_request.prompt_tokens, 0)::bigint), ' tokens (',
        case when kinds.tokens * 200 < last_request.prompt_tokens then 'under 1 %'
            else printf('%.0f %%', 100.0 * kinds.tokens / greatest(last_request.prompt_tokens, 1)) end,
        if(kinds.tokens = 1, ') is ', ') are '),
        case kinds.kind
            when 'system' then 'the system prompt and tools'
            when 'hidden' then 'what no line of the log shows'
            when 'text' then 'answers'
            when 'thinking' then 'thinking'
            when 'compact_summary' then 'summaries'
            when 'memory' then 'memory files'
            else replace(kinds.kind, '_', ' ') || 's'
        end, '.'
    ) as said,  -- sentence
    last_request.source_id,  -- shard
    last_request.session_id,  -- session
    spot.block_index,  -- response whose prompt this was
    kinds.kind,  -- kind of content
    kinds.tokens::bigint as tokens,  -- tokens
    count(*) over () as found_count  -- kinds in all
from kinds
cross join last_request
cross join spot
where kinds.tokens > 0
order by kinds.tokens desc, kinds.kind
limit $limit
