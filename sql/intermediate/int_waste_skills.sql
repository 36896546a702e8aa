-- int_waste_skills: C10, descriptions in a listing of skills of which none was used.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, part_low
-- reads: int_skill_uses, int_waste_sections
-- note:  the name stays, which is what a listing without descriptions would cost. A skill was used when it was called, or
--        typed as a command, anywhere in the session. Shares are by bytes

with skills as (
    select
        *,
        start_bytes + strlen(name) + 2 as named_bytes
    from int_waste_sections
    where listed = 'skill'
)

select
    skills.source_id,  -- shard
    skills.session_id,  -- session
    'C10.skill' as kind,  -- rule
    cast(skills.block_index as varchar) as finding_key,  -- the listing
    'block' as target,  -- one description
    skills.block_index,  -- the listing
    least(skills.named_bytes / skills.text_bytes, 1.0) as part_low,  -- behind the name
    least(skills.end_bytes / skills.text_bytes, 1.0) as part_high,  -- to the next one
    'Skills were described in the prompt that this session never used.' as evidence  -- why
from skills
left join int_skill_uses
    on skills.source_id = int_skill_uses.source_id and skills.session_id = int_skill_uses.session_id
where
    not contains(coalesce(int_skill_uses.texts, ''), skills.name)
    and skills.end_bytes > skills.named_bytes + 1
