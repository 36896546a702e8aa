-- int_waste_oversize: C11, lines of large results that no later answer used, where it used others of the same result.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, part_low
-- reads: int_waste_results, waste_uses, waste_unused_parts
-- note:  from 1,000 tokens on, when at least half of the lines went unused; used lines keep two neighbours on each side. Files
--        read are left out, as one reads to understand, and so are what subagents report and answers of a person. What
--        nothing used at all is C13

with oversize as (
    select
        waste_uses.source_id,
        waste_uses.session_id,
        waste_uses.block_index,
        waste_uses.last_use_block_index,
        waste_uses.lines_count,
        waste_uses.used_lines_count
    from waste_uses
    inner join int_waste_results
        on
            waste_uses.source_id = int_waste_results.source_id
            and waste_uses.session_id = int_waste_results.session_id
            and waste_uses.block_index = int_waste_results.block_index
    where
        waste_uses.used_lines_count > 0
        and waste_uses.used_lines_count * 2 <= waste_uses.lines_count
        and coalesce(int_waste_results.tool_name, '') not in (
            'Read', 'NotebookRead', 'Task', 'Agent', 'TaskOutput', 'AskUserQuestion', 'ExitPlanMode', 'Skill', 'ToolSearch'
        )
)

select
    oversize.source_id,  -- shard
    oversize.session_id,  -- session
    'C11.oversize' as kind,  -- rule
    cast(oversize.block_index as varchar) as finding_key,  -- the result
    'block' as target,  -- unused lines
    oversize.block_index,  -- the result
    waste_unused_parts.part_low,  -- where unused lines begin, by bytes
    waste_unused_parts.part_high,  -- where they end
    waste_unused_parts.first_line,  -- first unused line of the result
    waste_unused_parts.last_line,  -- last one
    oversize.session_id as evidence_session_id,  -- session of the use
    oversize.last_use_block_index as evidence_block_index,  -- the answer that used some of it last
    concat(
        'Of ', oversize.lines_count, ' lines the log shows a later use of ', oversize.used_lines_count, ', their neighbours included.'
    ) as evidence  -- why
from oversize
inner join waste_unused_parts
    on
        oversize.source_id = waste_unused_parts.source_id
        and oversize.session_id = waste_unused_parts.session_id
        and oversize.block_index = waste_unused_parts.block_index
