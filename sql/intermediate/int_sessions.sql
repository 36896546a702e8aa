-- int_sessions: what the lines alone say about each session: whose, where, when, which client.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: int_session_lines, sources
-- note:  a file that holds only the title of another session, or only bookkeeping, is no session

with described as (
    select
        source_id,
        session_id,
        coalesce(
            arg_min(cwd, line_index) filter (where cwd is not null and not is_inherited),
            arg_min(cwd, line_index) filter (where cwd is not null)
        ) as project_path,
        arg_max(git_branch, line_index) filter (where git_branch <> '') as git_branch,
        coalesce(min(logged_at) filter (where not is_inherited), min(logged_at)) as started_at,
        coalesce(max(logged_at) filter (where not is_inherited), max(logged_at)) as ended_at,
        -- 2.1.9 is before 2.1.10: versions compare as lists of numbers.
        arg_min(client_version, list_transform(string_split(client_version, '.'), part -> try_cast(part as integer)))
            as first_version,
        arg_max(client_version, list_transform(string_split(client_version, '.'), part -> try_cast(part as integer)))
            as last_version,
        arg_min(forked_from_session_id, line_index) filter (where forked_from_session_id is not null)
            as forked_from_session_id,
        count(distinct file_id) as files_count,
        count(*) as lines_count,
        -- Clients up to 1.0.35 write no boundary, only the summary; later ones write both.
        greatest(
            count(*) filter (where type = 'system' and subtype = 'compact_boundary' and not is_inherited),
            count(*) filter (where is_compact_summary and not is_sidechain and not is_inherited)
        ) as compactions_count
    from int_session_lines
    group by all
    having count(*) filter (where type in ('user', 'assistant', 'attachment', 'system', 'progress')) > 0
)

select
    described.source_id,  -- shard
    described.session_id,  -- session
    sources.owner,  -- person
    coalesce(
        nullif(regexp_extract(rtrim(described.project_path, '/\'), '[^/\\]+$'), ''), described.project_path, ''
    ) as project,  -- last part of the first working directory, with slashes of either kind
    described.project_path,  -- first working directory
    described.git_branch,  -- branch seen last
    described.started_at,  -- first own line
    described.ended_at,  -- last own line
    described.first_version,  -- lowest client version
    described.last_version,  -- highest client version
    described.forked_from_session_id,  -- session whose history stands copied here, as the client says
    described.files_count,  -- files that keep lines of it
    described.lines_count,  -- distinct lines
    described.compactions_count  -- own compactions
from described
left join sources on described.source_id = sources.source_id
