-- failing_command: the shell commands that fail most often, by their first word.
-- grain: one row per command, the one that fails most often first, at most $limit
-- key:   command
-- reads: blocks

with calls as (
    select
        calls.source_id,
        calls.session_id,
        calls.block_index,
        calls.logged_at,
        regexp_extract(
            calls.preview, '^(?:cd +[^&;]+(?:&&|;) *)?(?:sudo +)?(?:[A-Za-z_][A-Za-z0-9_]*=[^ ]* +)*([^ ;|&()<>]+)', 1
        ) as command,
        coalesce(results.is_error, false) as is_error
    from blocks as calls
    inner join blocks as results
        on
            calls.source_id = results.source_id
            and calls.session_id = results.session_id
            and calls.tool_use_id = results.tool_use_id
            and results.kind = 'tool_result'
    where
        calls.kind = 'tool_call'
        and calls.tool_name = 'Bash'
        and not calls.is_inherited
        and coalesce(calls.logged_at, $missing_at) >= $since_at
        and coalesce(calls.logged_at, $missing_at) < $until_at
        and ($session_id is null or calls.session_id = $session_id)
)

select
    concat(
        command, ' failed in ', printf('%,d', count(*) filter (is_error)), ' of ', printf('%,d', count(*)),
        if(count(*) = 1, ' call (', ' calls ('),
        printf('%.0f %%', 100.0 * count(*) filter (is_error) / count(*)), ').'
    ) as said,  -- sentence
    max_by(source_id, logged_at) filter (is_error) as source_id,  -- shard
    max_by(session_id, logged_at) filter (is_error) as session_id,  -- session where it failed last
    max_by(block_index, logged_at) filter (is_error) as block_index,  -- call that failed last
    command,  -- first word
    count(*) filter (is_error) as errors_count,  -- calls that failed
    count(*) as calls_count,  -- calls
    count(*) over () as found_count  -- commands in all
from calls
where command <> ''
group by command
having count(*) filter (is_error) > 0
order by errors_count desc, calls_count, command
limit $limit
