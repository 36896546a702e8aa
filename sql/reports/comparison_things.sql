-- comparison_things: what stood in the contexts of a session and what it cost from first to last: the bill but fees.
-- grain: one row per kind of content, tool or label, and file
-- key:   kind, thing, path
-- reads: blocks, sessions

select
    blocks.kind,
    case
        when starts_with(coalesce(blocks.tool_name, blocks.label), 'mcp__')
            then 'MCP server ' || split_part(coalesce(blocks.tool_name, blocks.label), '__', 2)
        else coalesce(blocks.tool_name, blocks.label, '')
    end as thing,
    coalesce(case
        when blocks.path is null or sessions.project_path is null then blocks.path
        when starts_with(blocks.path, sessions.project_path || '/')
            then substr(blocks.path, length(sessions.project_path) + 2)
        else blocks.path
    end, '') as path,
    count(*) as blocks_count,
    cast(sum(blocks.size_tokens) as bigint) as size_tokens,
    cast(coalesce(sum(blocks.lifetime_usd), 0) * 1000000000000 as bigint) as lifetime_picodollars
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
where blocks.source_id = $source_id and blocks.session_id = $session_id
group by all
order by all
