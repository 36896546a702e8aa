-- int_skill_uses: what says which skills a session used: calls of the tool, and commands that a person typed.
-- grain: one row per session that did either
-- key:   source_id, session_id
-- reads: blocks
-- note:  a skill was used when its name is in these texts; in doubt it was used. Advice asks the same of the lake

select
    source_id,  -- shard
    session_id,  -- session
    string_agg(preview, E'\n') as texts  -- beginnings of calls and commands, one below the other
from blocks
where (kind = 'tool_call' and tool_name = 'Skill') or (kind = 'command' and starts_with(preview, '<command-'))
group by source_id, session_id
