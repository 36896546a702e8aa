-- int_agents: the subagents of a session and the call that started each.
-- grain: one row per subagent of a session
-- key:   source_id, session_id, agent_id
-- reads: stg_block_lines, int_session_lines, int_threads
-- note:  the call is known from the result that names the agent, from the progress lines of the parent, or
--        from the agent's first prompt; where none tells, tool_use_id is null and the turn is that of its time

with agent_blocks as (
    select
        stg_block_lines.source_id,
        stg_block_lines.session_id,
        coalesce(stg_block_lines.agent_id, int_threads.agent_id) as agent_id,
        stg_block_lines.parent_tool_use_id,
        stg_block_lines.content_hash,
        stg_block_lines.logged_at,
        stg_block_lines.role,
        stg_block_lines.file_path,
        stg_block_lines.offset_bytes,
        stg_block_lines.line_block_index
    from stg_block_lines
    left join int_threads
        on
            stg_block_lines.file_id = int_threads.file_id
            and stg_block_lines.offset_bytes = int_threads.offset_bytes
    where
        stg_block_lines.is_sidechain
        or stg_block_lines.agent_id is not null
),

agents as (
    select
        source_id,
        session_id,
        agent_id,
        min(logged_at) as started_at,
        any_value(parent_tool_use_id order by parent_tool_use_id) as parent_tool_use_id,
        arg_min(content_hash, (logged_at, file_path, offset_bytes, line_block_index)) filter (
            where role = 'user'
        ) as prompt_hash
    from agent_blocks
    where agent_id is not null
    group by all
),

calls as (
    select
        source_id,
        session_id,
        tool_use_id,
        any_value(spawned_agent_type order by file_path, offset_bytes) as agent_type,
        any_value(spawned_description order by file_path, offset_bytes) as description,
        any_value(spawned_prompt_hash order by file_path, offset_bytes) as prompt_hash,
        min(logged_at) as called_at
    from stg_block_lines
    where
        kind = 'tool_call'
        and (spawned_agent_type is not null or spawned_description is not null or spawned_prompt_hash is not null)
    group by all
),

named_by_result as (
    select
        source_id,
        session_id,
        spawned_agent_id as agent_id,
        min(tool_use_id) as tool_use_id
    from stg_block_lines
    where
        spawned_agent_id is not null
        and tool_use_id is not null
    group by all
),

-- The same prompt may start several agents: the calls and the agents then pair up in order of time.
ordered_agents as (
    select
        source_id,
        session_id,
        agent_id,
        prompt_hash,
        row_number() over (
            partition by source_id, session_id, prompt_hash
            order by started_at, agent_id
        ) as prompt_rank
    from agents
    where prompt_hash is not null
),

ordered_calls as (
    select
        source_id,
        session_id,
        tool_use_id,
        prompt_hash,
        row_number() over (
            partition by source_id, session_id, prompt_hash
            order by called_at, tool_use_id
        ) as prompt_rank
    from calls
    where prompt_hash is not null
),

named_by_prompt as (
    select
        ordered_agents.source_id,
        ordered_agents.session_id,
        ordered_agents.agent_id,
        ordered_calls.tool_use_id
    from ordered_agents
    inner join ordered_calls
        on
            ordered_agents.source_id = ordered_calls.source_id
            and ordered_agents.session_id = ordered_calls.session_id
            and ordered_agents.prompt_hash = ordered_calls.prompt_hash
            and ordered_agents.prompt_rank = ordered_calls.prompt_rank
),

joined as (
    select
        agents.source_id,
        agents.session_id,
        agents.agent_id,
        agents.started_at,
        coalesce(
            named_by_result.tool_use_id, agents.parent_tool_use_id, named_by_prompt.tool_use_id
        ) as tool_use_id
    from agents
    left join named_by_result
        on
            agents.source_id = named_by_result.source_id
            and agents.session_id = named_by_result.session_id
            and agents.agent_id = named_by_result.agent_id
    left join named_by_prompt
        on
            agents.source_id = named_by_prompt.source_id
            and agents.session_id = named_by_prompt.session_id
            and agents.agent_id = named_by_prompt.agent_id
),

-- The turn of a call is that of its line; calls on lines of other subagents keep the turn of their time.
call_turns as (
    select
        stg_block_lines.source_id,
        stg_block_lines.session_id,
        stg_block_lines.tool_use_id,
        min(int_session_lines.turn_index) as turn_index
    from stg_block_lines
    semi join joined on stg_block_lines.tool_use_id = joined.tool_use_id
    inner join int_session_lines
        on
            stg_block_lines.file_id = int_session_lines.file_id
            and stg_block_lines.offset_bytes = int_session_lines.offset_bytes
    where stg_block_lines.kind = 'tool_call'
    group by all
),

first_turns as (
    select
        int_threads.source_id,
        int_threads.session_id,
        int_threads.agent_id,
        min(int_session_lines.turn_index) as turn_index
    from int_threads
    inner join int_session_lines
        on
            int_threads.file_id = int_session_lines.file_id
            and int_threads.offset_bytes = int_session_lines.offset_bytes
    group by all
)

select
    joined.source_id,  -- shard
    joined.session_id,  -- session
    joined.agent_id,  -- subagent
    joined.tool_use_id,  -- call that started it, where found
    calls.agent_type,  -- type that the call asked for
    calls.description,  -- description that the call gave
    joined.started_at,  -- its first block
    coalesce(call_turns.turn_index, first_turns.turn_index) as turn_index  -- turn that its cost belongs to
from joined
left join calls
    on
        joined.source_id = calls.source_id
        and joined.session_id = calls.session_id
        and joined.tool_use_id = calls.tool_use_id
left join call_turns
    on
        joined.source_id = call_turns.source_id
        and joined.session_id = call_turns.session_id
        and joined.tool_use_id = call_turns.tool_use_id
left join first_turns
    on
        joined.source_id = first_turns.source_id
        and joined.session_id = first_turns.session_id
        and joined.agent_id = first_turns.agent_id
