-- int_waste_sections: what clients announce in one text, taken apart: skills, MCP servers, memory files.
-- grain: one row per section of a listing or of memory files that a prompt held
-- key:   source_id, session_id, block_index, section_number
-- reads: blocks, contents, stg_event_lines
-- note:  skills by lines that begin `- name:`, servers by headings `## name`, files by lines `Contents of path`, the latter
--        two by the names that the client's line gives; a memory file without such a line is all of its text. What stands
--        before the first section is of none. Places are bytes of the whole text

with announced as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.block_index,
        case stg_event_lines.subtype
            when 'skill_listing' then 'skill'
            when 'mcp_instructions_delta' then 'server'
            else 'memory'
        end as listed,
        contents.text,
        case stg_event_lines.subtype
            when 'mcp_instructions_delta'
                then cast(json_extract(stg_event_lines.payload, '$.attachment.addedNames') as varchar [])
            when 'instructions'
                then json_extract_string(stg_event_lines.payload, '$.attachment.files[*].path')
            when 'nested_memory' then [json_extract_string(stg_event_lines.payload, '$.attachment.path')]
            else cast([] as varchar [])
        end as names
    from blocks
    inner join stg_event_lines
        on blocks.file_id = stg_event_lines.file_id and blocks.offset_bytes = stg_event_lines.offset_bytes
    inner join contents
        on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where
        stg_event_lines.subtype in ('skill_listing', 'mcp_instructions_delta', 'instructions', 'nested_memory')
        and blocks.size_tokens > 0
),

lines as (
    select
        source_id,
        session_id,
        block_index,
        listed,
        names,
        -- A single file without a line that names it: tags aside, its text is the section.
        listed = 'memory' and not regexp_matches(text, '(^|\n)Contents of ') as is_bare,
        strlen(text) as text_bytes,
        unnest(string_split(text, E'\n')) as line,
        generate_subscripts(string_split(text, E'\n'), 1) as line_number
    from announced
),

headed as (
    select
        *,
        case
            when listed = 'skill' then nullif(regexp_extract(line, '^- ([\w:.-]+):', 1), '')
            when listed = 'server'
                then list_filter(names, name -> line = concat('## ', name))[1]
            when is_bare
                then
                    case
                        when line <> '<system-reminder>' and coalesce(lag(line) over block, '<system-reminder>') = '<system-reminder>'
                            then names[1]
                    end
            else list_filter(
                names,
                name -> starts_with(line, concat('Contents of ', name, ':'))
                or starts_with(line, concat('Contents of ', name, ' ('))
            )[1]
        end as name,
        coalesce(sum(strlen(line) + 1) over (block rows between unbounded preceding and 1 preceding), 0) as start_bytes
    from lines
    window block as (
        partition by source_id, session_id, block_index
        order by line_number
    )
),

numbered as (
    select
        *,
        count(name) over (
            partition by source_id, session_id, block_index
            order by line_number
        ) as section_number
    from headed
)

select
    source_id,  -- shard
    session_id,  -- session
    block_index,  -- the text that announces it
    section_number,  -- position in it, from 1
    any_value(listed) as listed,  -- skill, server or memory
    first(name order by line_number) as name,  -- skill, server, or path of the file
    any_value(text_bytes) as text_bytes,  -- bytes of the whole text
    min(start_bytes) as start_bytes,  -- where it begins
    max(start_bytes + strlen(line) + 1) as end_bytes,  -- where the next one begins, or the text ends
    string_agg(line, E'\n' order by line_number) as section_text  -- what it says, its heading included
from numbered
where
    section_number > 0
    and line <> '</system-reminder>'
group by source_id, session_id, block_index, section_number
