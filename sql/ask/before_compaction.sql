-- before_compaction: what filled the context just before a session was compacted last.
-- grain: one row per block, the largest first, at most $limit
-- key:   block_index
-- reads: blocks, requests

with compaction as (
    select block_index, logged_at
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and kind = 'compact_summary'
        and not is_inherited
        and agent_id is null
    order by block_index desc
    limit 1
),

last_request as (
    select requests.request_id, requests.request_index, requests.prompt_tokens
    from requests
    inner join compaction on requests.started_at < compaction.logged_at
    where requests.source_id = $source_id and requests.session_id = $session_id and not requests.is_sidechain
    order by requests.request_index desc
    limit 1
),

held as (
    select blocks.*
    from blocks
    inner join requests as firsts
        on blocks.source_id = firsts.source_id and blocks.first_request_id = firsts.request_id
    inner join requests as lasts
        on blocks.source_id = lasts.source_id and blocks.last_request_id = lasts.request_id
    cross join last_request
    where
        blocks.source_id = $source_id
        and blocks.session_id = $session_id
        and blocks.agent_id is null
        and firsts.request_index <= last_request.request_index
        and lasts.request_index >= last_request.request_index
)

select
    concat(
        printf('%,d', coalesce(held.size_tokens, 0)::bigint), ' of ', printf('%,d', coalesce(last_request.prompt_tokens, 0)::bigint), ' tokens before the compaction were ',
        case held.kind
            when 'system' then 'the system prompt and tools'
            when 'hidden' then 'what no line of the log shows'
            when 'text' then 'an answer'
            when 'thinking' then 'thinking'
            when 'memory' then 'a memory file'
            when 'image' then 'an image'
            when 'interruption' then 'an interruption'
            else 'a ' || replace(held.kind, '_', ' ')
        end, coalesce(' of ' || held.tool_name, ''), coalesce(': ' || held.path, ''), '.'
    ) as said,  -- sentence
    held.source_id,  -- shard
    held.session_id,  -- session
    case when held.file_id is null then null else held.block_index end as block_index,  -- block; null where no line shows it
    held.kind,  -- kind of content
    held.tool_name,  -- tool
    held.path,  -- file
    held.size_tokens,  -- tokens
    count(*) over () as found_count  -- blocks in all
from held
cross join last_request
where held.size_tokens > 0
order by held.size_tokens desc, held.block_index
limit $limit
