-- int_waste_servers: C10, instructions of MCP servers of which no tool was called.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, finding_key
-- reads: blocks, contents, stg_event_lines
-- note:  sections begin with the line `## name`, by the names that the client's line gives. A server was used when one of
--        its tools was called or one of its resources asked for, anywhere in the session. Shares are by bytes; no stub is
--        left: a server that is not connected says nothing

with announced as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.block_index,
        contents.text,
        list_transform(
            cast(json_extract(stg_event_lines.payload, '$.attachment.addedNames') as varchar []), name -> concat('## ', name)
        ) as headings
    from blocks
    inner join stg_event_lines
        on blocks.file_id = stg_event_lines.file_id and blocks.offset_bytes = stg_event_lines.offset_bytes
    inner join contents
        on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where
        stg_event_lines.subtype = 'mcp_instructions_delta'
        and blocks.size_tokens > 0
),

lines as (
    select
        source_id,
        session_id,
        block_index,
        headings,
        strlen(text) as text_bytes,
        unnest(string_split(text, E'\n')) as line,
        generate_subscripts(string_split(text, E'\n'), 1) as line_number
    from announced
),

placed as (
    select
        *,
        coalesce(sum(strlen(line) + 1) over (block rows between unbounded preceding and 1 preceding), 0) as start_bytes,
        count(*) filter (where list_contains(headings, line)) over block as section_number
    from lines
    window block as (
        partition by source_id, session_id, block_index
        order by line_number
    )
),

sections as (
    select
        source_id,
        session_id,
        block_index,
        section_number,
        text_bytes,
        substr(arg_min(line, line_number), 4) as server,
        min(start_bytes) as start_bytes,
        max(start_bytes + strlen(line) + 1) as end_bytes
    from placed
    where
        section_number > 0
        and line <> '</system-reminder>'
    group by all
),

-- What a tool of the server begins with: the client puts an underscore for what is no letter, digit or hyphen.
named as (
    select
        *,
        concat('mcp__', regexp_replace(server, '[^a-zA-Z0-9_-]', '_', 'g'), '__') as prefix
    from sections
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
    concat(named.block_index, ':', named.server) as finding_key,  -- the server, as it was announced here
    'block' as target,  -- its section
    named.block_index,  -- instructions of all servers that were announced at once
    cast(null as varchar) as request_id,  -- from its entry on
    named.start_bytes / named.text_bytes as part_low,  -- from its heading
    least(named.end_bytes / named.text_bytes, 1.0) as part_high,  -- to the next one, or the end of what is said
    false as claims_call,  -- nobody called it
    false as keeps_new,  -- of no meaning here
    false as keeps_output,  -- of no meaning here
    cast(null as bigint) as first_line,  -- no lines of a file
    cast(null as bigint) as last_line,  -- no lines of a file
    cast(null as varchar) as evidence_session_id,  -- that nothing called it has no place
    cast(null as bigint) as evidence_block_index,  -- likewise
    cast(null as bigint) as evidence_first_line,  -- likewise
    cast(null as bigint) as evidence_last_line,  -- likewise
    concat('The MCP server ', named.server, ' sent instructions, and the session called none of its tools.') as evidence  -- why
from named
left join uses
    on named.source_id = uses.source_id and named.session_id = uses.session_id
where
    not contains(coalesce(uses.called, ''), concat(E'\n', named.prefix))
    and not contains(coalesce(uses.asked, ''), named.server)
