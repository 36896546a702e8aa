-- comparison_files: files that a tool named in a session, below its working directory where they are; calls and cost.
-- grain: one row per file
-- key:   path
-- reads: file_cost, sessions

select
    case
        when sessions.project_path is not null and starts_with(file_cost.path, sessions.project_path || '/')
            then substr(file_cost.path, length(sessions.project_path) + 2)
        else file_cost.path
    end as path,
    cast(sum(file_cost.reads_count) as bigint) as reads_count,
    cast(sum(file_cost.edits_count) as bigint) as edits_count,
    cast(sum(file_cost.calls_count) as bigint) as calls_count,
    cast(sum(file_cost.result_tokens) as bigint) as result_tokens,
    sum(file_cost.lifetime_usd) as lifetime_usd
from file_cost
inner join sessions on file_cost.source_id = sessions.source_id and file_cost.session_id = sessions.session_id
where file_cost.source_id = $source_id and file_cost.session_id = $session_id
group by 1
order by 1
