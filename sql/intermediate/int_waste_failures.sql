-- int_waste_failures: C4, calls that the client or the tool refused without telling anything about the task.
-- grain: one row per claim
-- key:   source_id, session_id, kind, finding_key
-- reads: int_waste_results
-- note:  a failing test, a compiler's error, an empty search are information and no failures; denials count only where
--        the same tool then went through in the same turn, on the same file or with the same command. A time that ran out
--        is told by the client's own words: what a command prints about another machine is information

with results as (
    select
        *,
        case
            when tool_name in ('Bash', 'PowerShell')
                then
                    regexp_extract(regexp_replace(call_preview, '^\s*cd\s+\S+\s*&&', ''), '^\s*(\S+(\s+[^\s|&;<>-]\S*)?)', 1)
            else coalesce(path, '')
        end as subject
    from int_waste_results
),

refused as (
    select
        *,
        case
            when preview like '%InputValidationError%' then 'C4.schema'
            when preview like '%No such tool available%' then 'C4.unknown_tool'
            when
                tool_name in ('Edit', 'MultiEdit', 'NotebookEdit', 'Write')
                and regexp_matches(
                    preview,
                    'String to replace not found|Found [0-9]+ matches of the string to replace|No changes to make|'
                    'old_string and new_string are exactly the same|String not found in file'
                )
                then 'C4.not_found'
            when
                tool_name in ('Edit', 'MultiEdit', 'NotebookEdit', 'Write')
                and regexp_matches(preview, 'has not been read yet|has been modified since read|unexpectedly modified')
                then 'C4.unread'
            when preview like '%Sibling tool call errored%' then 'C4.cancelled'
            when
                not starts_with(preview, 'The user doesn')
                and regexp_matches(
                    preview,
                    '^(This command requires approval|Permission to use .* denied|Claude requested permissions to|'
                    'Permission denied|This Bash command contains multiple operations|.{0,200} was blocked\. For security)'
                )
                then 'C4.denied'
            when
                regexp_matches(
                    preview,
                    '(Command|Tool|Operation|Execution) timed out after|'
                    '^(<tool_use_error>)?(Error: )?(MCP error -?[0-9]+: )?Request timed out'
                )
                then 'C4.timeout'
        end as kind,
        -- Whether the same was done later in the turn: only then was the denial worked around.
        bool_or(not is_error) over (
            partition by source_id, session_id, thread_id, turn_index, tool_name, subject
            order by block_index
            rows between 1 following and unbounded following
        ) as is_worked_around,
        min(case when not is_error then block_index end) over (
            partition by source_id, session_id, thread_id, turn_index, tool_name, subject
            order by block_index
            rows between 1 following and unbounded following
        ) as next_block_index
    from results
)

select
    source_id,  -- shard
    session_id,  -- session
    kind,  -- rule
    cast(block_index as varchar) as finding_key,  -- the result
    'block' as target,  -- tokens of the result
    block_index,  -- the result
    true as claims_call,  -- the call was for nothing
    session_id as evidence_session_id,  -- same session
    coalesce(next_block_index, call_block_index) as evidence_block_index,  -- the call that went through; else the one that failed
    case kind
        when 'C4.schema' then 'The call did not fit the schema of the tool.'
        when 'C4.unknown_tool' then 'No tool of that name was there.'
        when 'C4.not_found'
            then case
                when regexp_matches(preview, 'No changes to make|old_string and new_string are exactly the same')
                    then 'The text to replace and the new one were the same.'
                else 'The text to replace was not in the file, or not only once.'
            end
        when 'C4.unread' then 'The file had not been read, or had changed since it was.'
        when 'C4.cancelled' then 'The client cancelled it because a call beside it had failed.'
        when 'C4.denied' then 'Permission was denied, and the same file or command then went through.'
        when 'C4.timeout' then 'The call ran out of time.'
    end as evidence  -- why
from refused
where
    kind is not null
    and is_error
    and (kind <> 'C4.denied' or coalesce(is_worked_around, false))
