-- file_cost: what each file cost a session: calls that named it, and their results for as long as they stayed.
-- grain: one row per file that a tool named in a session
-- key:   source_id, session_id, path
-- reads: blocks, int_sessions, waste
-- note:  paths are as the calls give them: a file named by two paths is two rows

with sums as (
    select
        source_id,
        session_id,
        path,
        count(*) filter (where kind = 'tool_call' and tool_name = 'Read') as reads_count,
        count(*) filter (
            where kind = 'tool_call' and tool_name in ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
        ) as edits_count,
        count(*) filter (where kind = 'tool_call') as calls_count,
        cast(coalesce(sum(output_tokens), 0) as bigint) as output_tokens,
        cast(coalesce(sum(size_tokens) filter (where kind = 'tool_result'), 0) as bigint) as result_tokens,
        cast(coalesce(sum(carried_requests_count) filter (where kind = 'tool_result'), 0) as bigint)
            as carried_requests_count,
        sum(lifetime_usd) as lifetime_usd
    from blocks
    where
        not is_inherited
        and path is not null
        and kind in ('tool_call', 'tool_result')
    group by all
),

-- What findings cost in which it was used, turns that were needless with them; hints count nowhere.
wasted as (
    select
        source_id,
        session_id,
        path,
        sum(waste_usd) as waste_usd
    from waste
    where
        not is_hint
        and path is not null
    group by all
)

select
    sums.source_id,  -- shard
    sums.session_id,  -- session
    int_sessions.owner,  -- person
    int_sessions.project,  -- project
    sums.path,  -- file, as the calls name it
    sums.reads_count,  -- calls of Read
    sums.edits_count,  -- calls that changed it
    sums.calls_count,  -- calls of any tool
    sums.output_tokens,  -- output tokens billed for writing the calls
    sums.result_tokens,  -- tokens of the results when they entered the context
    sums.carried_requests_count,  -- prompts that held one of its results
    sums.lifetime_usd,  -- US dollars from first to last; null when unpriced
    case when sums.lifetime_usd is not null then coalesce(wasted.waste_usd, 0) end as waste_usd  -- US dollars of findings with it
from sums
left join wasted
    on
        sums.source_id = wasted.source_id
        and sums.session_id = wasted.session_id
        and sums.path = wasted.path
left join int_sessions
    on sums.source_id = int_sessions.source_id and sums.session_id = int_sessions.session_id
