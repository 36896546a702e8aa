-- int_waste_skills: C10, descriptions in a listing of skills of which none was used.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, part_low
-- reads: blocks, contents, stg_event_lines
-- note:  by lines that begin `- name:`; the name stays, which is what a listing without descriptions would cost. A skill was
--        used when it was called, or typed as a command, anywhere in the session. Shares are by bytes

with listings as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.block_index,
        contents.text
    from blocks
    inner join stg_event_lines
        on blocks.file_id = stg_event_lines.file_id and blocks.offset_bytes = stg_event_lines.offset_bytes
    inner join contents
        on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where
        stg_event_lines.subtype = 'skill_listing'
        and blocks.size_tokens > 0
),

lines as (
    select
        source_id,
        session_id,
        block_index,
        strlen(text) as text_bytes,
        unnest(string_split(text, E'\n')) as line,
        generate_subscripts(string_split(text, E'\n'), 1) as line_number
    from listings
),

placed as (
    select
        *,
        coalesce(sum(strlen(line) + 1) over (listing rows between unbounded preceding and 1 preceding), 0) as start_bytes,
        count(*) filter (where regexp_matches(line, '^- [\w:.-]+:')) over listing as skill_number
    from lines
    window listing as (
        partition by source_id, session_id, block_index
        order by line_number
    )
),

skills as (
    select
        source_id,
        session_id,
        block_index,
        skill_number,
        text_bytes,
        regexp_extract(arg_min(line, line_number), '^- ([\w:.-]+):', 1) as skill,
        min(start_bytes) as start_bytes,
        max(start_bytes + strlen(line) + 1) as end_bytes
    from placed
    where skill_number > 0
    group by all
),

uses as (
    select
        source_id,
        session_id,
        string_agg(preview, E'\n') as texts
    from blocks
    where
        (
            kind = 'tool_call'
            and tool_name = 'Skill'
        )
        or (
            kind = 'command'
            and starts_with(preview, '<command-')
        )
    group by all
)

select
    skills.source_id,  -- shard
    skills.session_id,  -- session
    'C10.skill' as kind,  -- rule
    cast(skills.block_index as varchar) as finding_key,  -- the listing
    'block' as target,  -- one description
    skills.block_index,  -- the listing
    cast(null as varchar) as request_id,  -- from its entry on
    least((skills.start_bytes + strlen(skills.skill) + 2) / skills.text_bytes, 1.0) as part_low,  -- behind the name
    least(skills.end_bytes / skills.text_bytes, 1.0) as part_high,  -- to the next one
    false as claims_call,  -- nobody called it
    false as keeps_new,  -- of no meaning here
    false as keeps_output,  -- of no meaning here
    cast(null as bigint) as first_line,  -- no lines of a file
    cast(null as bigint) as last_line,  -- no lines of a file
    cast(null as varchar) as evidence_session_id,  -- that nothing used it has no place
    cast(null as bigint) as evidence_block_index,  -- likewise
    cast(null as bigint) as evidence_first_line,  -- likewise
    cast(null as bigint) as evidence_last_line,  -- likewise
    'Skills were described in the prompt that this session never used.' as evidence  -- why
from skills
left join uses
    on skills.source_id = uses.source_id and skills.session_id = uses.session_id
where
    not contains(coalesce(uses.texts, ''), skills.skill)
    and skills.end_bytes > skills.start_bytes + strlen(skills.skill) + 3
