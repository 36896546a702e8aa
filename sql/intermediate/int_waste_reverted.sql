-- int_waste_reverted: C2, changes to files that git took back before anything was committed.
-- grain: one row per claim
-- key:   source_id, session_id, finding_key, target, block_index
-- reads: int_waste_results
-- note:  a command that restores a file by its name, or all of them, after an edit of it and with no commit in between.
--        Only the edit itself is claimed, not what was learnt from it; told by names, so a heuristic

with commands as (
    select
        source_id,
        session_id,
        thread_id,
        block_index,
        call_preview,
        regexp_matches(call_preview, 'git\s+(-C\s+\S+\s+)?commit\b') as is_commit,
        regexp_matches(call_preview, 'git\s+(-C\s+\S+\s+)?(restore|checkout\s+(\S+\s+)?--)\s+\.?/?[\w./-]') as names_files,
        regexp_matches(
            call_preview, 'git\s+(-C\s+\S+\s+)?((restore|checkout(\s+--)?)\s+\.(\s|$)|reset\s+--hard\s*($|&|;|HEAD\b))'
        ) as takes_all
    from int_waste_results
    where
        tool_name = 'Bash'
        and not is_error
        and contains(call_preview, 'git')
        and not regexp_matches(call_preview, 'git\s+(-C\s+\S+\s+)?restore\s+--staged')
),

changes as (
    select
        source_id,
        session_id,
        thread_id,
        block_index,
        call_block_index,
        regexp_extract(path, '[^/\\]+$') as file_name
    from int_waste_results
    where
        tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
        and not is_error
        and path is not null
),

-- The first command after each change that commits it or takes it back.
ends as (
    select
        changes.source_id,
        changes.session_id,
        changes.block_index,
        changes.call_block_index,
        min(commands.block_index) as end_block_index,
        arg_min(commands.is_commit, commands.block_index) as is_commit
    from changes
    inner join commands
        on
            changes.source_id = commands.source_id
            and changes.session_id = commands.session_id
            and changes.thread_id = commands.thread_id
            and changes.block_index < commands.block_index
            and (
                commands.is_commit
                or commands.takes_all
                or (commands.names_files and contains(commands.call_preview, changes.file_name))
            )
    group by all
),

claims as (
    select
        *,
        'block' as target,
        unnest([block_index, call_block_index]) as claimed_block_index
    from ends
    where not is_commit
    union all by name
    select
        *,
        'output' as target,
        call_block_index as claimed_block_index
    from ends
    where not is_commit
)

select
    source_id,  -- shard
    session_id,  -- session
    'C2.reverted' as kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the edit
    target,  -- the edit, what came back, and their carry
    claimed_block_index as block_index,  -- call or result
    session_id as evidence_session_id,  -- session of the command
    end_block_index as evidence_block_index,  -- result of the command that took it back
    'Git took this change back before it was committed.' as evidence  -- why
from claims
