-- edits: changes of files by tools that succeeded, and what became of the lines they wrote.
-- grain: one row per call of Edit, MultiEdit, Write or NotebookEdit that was answered without an error
-- key:   source_id, session_id, block_index
-- reads: int_blocks, int_sessions, edit_lines, int_waste_reverted
-- note:  a line is told by its text without the spaces around it, those without a letter or digit are left out. Kept is
--        what no later edit of the session replaced, nor git took back; what shells did to a file is not seen here.
--        Hashes are of lines; cells of notebooks have none

with taken_back as (
    select distinct
        source_id,
        session_id,
        block_index
    from int_waste_reverted
    where target = 'output'
)

select
    edit_lines.source_id,  -- shard
    edit_lines.session_id,  -- session
    edit_lines.block_index,  -- call that changed the file
    int_sessions.project,  -- project
    calls.turn_index,  -- turn
    calls.agent_id,  -- subagent, if any
    calls.request_id,  -- response that called
    calls.logged_at as edited_at,  -- time of the call
    calls.tool_name,  -- Edit, MultiEdit, Write or NotebookEdit
    calls.path,  -- file, as the call names it
    taken_back.block_index is not null as is_taken_back,  -- git took it back before a commit, as far as commands tell
    edit_lines.written_lines_count,  -- lines it wrote
    case
        when taken_back.block_index is null then edit_lines.kept_lines_count else 0
    end as kept_lines_count,  -- those of them that no later edit by a tool replaced in the session
    case
        when taken_back.block_index is null then edit_lines.kept_hashes else []
    end as kept_hashes,  -- of the lines kept
    edit_lines.replaced_hashes,  -- of lines it replaced that the session had not written
    edit_lines.whole_hashes  -- of all lines of a file written whole, else null
from edit_lines
inner join int_blocks as calls
    on
        edit_lines.source_id = calls.source_id
        and edit_lines.session_id = calls.session_id
        and edit_lines.block_index = calls.block_index
left join int_sessions
    on edit_lines.source_id = int_sessions.source_id and edit_lines.session_id = int_sessions.session_id
left join taken_back
    on
        edit_lines.source_id = taken_back.source_id
        and edit_lines.session_id = taken_back.session_id
        and edit_lines.block_index = taken_back.block_index
