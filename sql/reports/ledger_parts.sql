-- ledger_parts: what content cost over its whole life, by what it is, in the sessions that touch a period.
-- grain: one row per group and class of size
-- key:   group_name, size_class
-- reads: blocks, sessions
-- note:  a session counts whole when any of it lies in the period: what a block costs is not split by day

with grouped as (
    select
        case $part
            when 'kind' then blocks.kind
            when 'tool' then blocks.tool_name
            when 'file' then blocks.path
            when 'server' then blocks.mcp_server
        end as group_name,
        coalesce(blocks.size_class, 'never sent') as size_class,
        blocks.lifetime_usd,
        blocks.size_tokens
    from blocks
    inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
    where
        (
            $part = 'kind'
            or ($part = 'server' and blocks.kind = 'tool_schema')
            or blocks.kind in ('tool_call', 'tool_result')
        )
        and ($owners::varchar[] is null or list_contains($owners::varchar[], sessions.owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], sessions.project))
        and ($models::varchar[] is null or list_has_any($models::varchar[], sessions.models))
        and ($since_at::timestamptz is null or sessions.ended_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or sessions.started_at < $until_at::timestamptz)
)

select
    group_name,  -- kind of content, tool, file or MCP server
    size_class,  -- exact, estimated, residual; never sent: in no prompt, its output alone was billed
    sum(lifetime_usd) as lifetime_usd,  -- US dollars from first to last; null when nothing is priced
    count(*) as blocks_count,  -- blocks
    sum(size_tokens)::bigint as size_tokens  -- tokens when they entered a context
from grouped
where group_name is not null
group by group_name, size_class
order by lifetime_usd desc nulls last, group_name, size_class
