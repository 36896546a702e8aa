-- int_waste_skills: C10, descriptions in a listing of skills of which none was used.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, part_low
-- reads: blocks, int_waste_sections
-- note:  the name stays, which is what a listing without descriptions would cost. A skill was used when it was called, or
--        typed as a command, anywhere in the session. Shares are by bytes

with skills as (
    select
        *,
        start_bytes + strlen(name) + 2 as named_bytes
    from int_waste_sections
    where listed = 'skill'
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
    least(skills.named_bytes / skills.text_bytes, 1.0) as part_low,  -- behind the name
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
    not contains(coalesce(uses.texts, ''), skills.name)
    and skills.end_bytes > skills.named_bytes + 1
