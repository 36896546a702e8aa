-- int_waste_injections: C9, reminders, memory files and listings of which the same text already stood in the prompt.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: blocks, int_waste_requests, stg_event_lines
-- note:  equal by the hash of their text, and the earlier copy was still carried by the prompt that took in the later. What
--        the client adds without a line is part of `hidden` and not here; notices that woke the model are C3. What a hook
--        says of a call of a tool is left out: the same words are news of another call, or were shown to the person alone;
--        so is what a person has open in the editor, which is news of the moment. What attachments of one type say (the
--        model, a list of tasks) holds until the next says otherwise: to say the first again is then news too. What stands
--        behind a command that the person gave is its text, which the person asked for again

with tool_hooks as (
    select
        file_id,
        offset_bytes
    from stg_event_lines
    where
        subtype in ('hook_success', 'hook_additional_context', 'hook_blocking_error')
        and json_extract_string(payload, '$.attachment.hookEvent') in ('PreToolUse', 'PostToolUse', 'PostToolUseFailure')
),

said as (
    select
        *,
        lag(kind) over (
            partition by source_id, session_id, agent_id
            order by block_index
        ) as before_kind
    from blocks
),

injections as (
    select
        blocks.source_id,
        blocks.session_id,
        coalesce(blocks.agent_id, '') as thread_id,
        blocks.block_index,
        blocks.content_hash,
        stg_event_lines.subtype,
        coalesce(blocks.role = 'user' and blocks.before_kind = 'command', false) as is_asked,
        entered.place_index as entered_index,
        held.place_index as held_index
    from said as blocks
    inner join int_waste_requests as entered
        on
            blocks.source_id = entered.source_id
            and blocks.session_id = entered.session_id
            and coalesce(blocks.agent_id, '') = entered.thread_id
            and blocks.first_request_id = entered.request_id
    inner join int_waste_requests as held
        on
            blocks.source_id = held.source_id
            and blocks.session_id = held.session_id
            and coalesce(blocks.agent_id, '') = held.thread_id
            and blocks.last_request_id = held.request_id
    left join stg_event_lines
        on blocks.file_id = stg_event_lines.file_id and blocks.offset_bytes = stg_event_lines.offset_bytes
    anti join tool_hooks
        on blocks.file_id = tool_hooks.file_id and blocks.offset_bytes = tool_hooks.offset_bytes
    where
        blocks.kind in ('reminder', 'memory', 'listing')
        and blocks.content_hash is not null
        and blocks.size_tokens > 0
        and not regexp_matches(blocks.preview, '^<(task-notification|tick|wakeup|scheduled-task|loop|ide_opened_file|ide_selection)')
        and not regexp_matches(blocks.preview, '^<system-reminder>\s*(Pre|Post)ToolUse')
),

-- The first copy of each run that the prompt still holds is the one that counts.
copies as (
    select
        *,
        lag(block_index) over same_text as earlier_block_index,
        lag(held_index) over same_text as earlier_held_index,
        lag(content_hash) over same_type as last_said_hash
    from injections
    window
        same_text as (
            partition by source_id, session_id, thread_id, content_hash
            order by block_index
        ),
        same_type as (
            partition by source_id, session_id, thread_id, subtype
            order by block_index
        )
)

select
    source_id,  -- shard
    session_id,  -- session
    'C9.injection' as kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the copy
    'block' as target,  -- all of it
    block_index,  -- the copy
    session_id as evidence_session_id,  -- session of the earlier copy
    earlier_block_index as evidence_block_index,  -- the earlier copy
    'The client put in the same text that still stood in the prompt.' as evidence  -- why
from copies
where
    earlier_held_index >= entered_index
    and not is_asked
    -- Hooks of one event each say their own.
    and (subtype is null or starts_with(subtype, 'hook_') or last_said_hash = content_hash)
