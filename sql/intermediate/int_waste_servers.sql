-- int_waste_servers: C10, instructions of MCP servers of which no tool was called.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, finding_key
-- reads: blocks, int_waste_sections
-- note:  a server was used when one of its tools was called or one of its resources asked for, anywhere in the session.
--        Shares are by bytes; no stub is left: a server that is not connected says nothing

-- What a tool of the server begins with: the client puts an underscore for what is no letter, digit or hyphen.
with named as (
    select
        *,
        concat('mcp__', regexp_replace(name, '[^a-zA-Z0-9_-]', '_', 'g'), '__') as prefix
    from int_waste_sections
    where listed = 'server'
),

uses as (
    select
        source_id,
        session_id,
        string_agg(concat(E'\n', tool_name), '') as called,
        string_agg(preview, E'\n') filter (where not starts_with(tool_name, 'mcp__')) as asked
    from blocks
    where
        kind = 'tool_call'
        and (
            starts_with(tool_name, 'mcp__')
            or tool_name in ('ListMcpResourcesTool', 'ReadMcpResourceTool')
        )
    group by all
)

select
    named.source_id,  -- shard
    named.session_id,  -- session
    'C10.server' as kind,  -- rule
    concat(named.block_index, ':', named.name) as finding_key,  -- the server, as it was announced here
    'block' as target,  -- its section
    named.block_index,  -- instructions of all servers that were announced at once
    named.start_bytes / named.text_bytes as part_low,  -- from its heading
    least(named.end_bytes / named.text_bytes, 1.0) as part_high,  -- to the next one, or the end of what is said
    concat('The MCP server ', named.name, ' sent instructions, and the session called none of its tools.') as evidence  -- why
from named
left join uses
    on named.source_id = uses.source_id and named.session_id = uses.session_id
where
    not contains(coalesce(uses.called, ''), concat(E'\n', named.prefix))
    and not contains(coalesce(uses.asked, ''), named.name)
