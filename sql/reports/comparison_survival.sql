-- comparison_survival: how many of the lines that a session wrote no edit replaced for a week, in it or in a later session.
-- grain: one row per session asked for, given as two lists, with its place in them
-- key:   session_number
-- reads: session_comparison, edits
-- note:  told only where the logs of the same source and project go on for a week after the session, so that each line
--        had the same time to be replaced. Cells of notebooks are left out

with asked as (
    select
        unnest($sources) as source_id,
        unnest($sessions) as session_id,
        generate_subscripts($sessions, 1) - 1 as session_number
),

logged_until as (
    select
        source_id,
        project,
        max(ended_at) as last_at
    from session_comparison
    group by all
),

followed as (
    select
        asked.source_id,
        asked.session_id,
        asked.session_number
    from asked
    inner join session_comparison
        on asked.source_id = session_comparison.source_id and asked.session_id = session_comparison.session_id
    inner join logged_until
        on
            session_comparison.source_id = logged_until.source_id
            and session_comparison.project is not distinct from logged_until.project
    where logged_until.last_at >= session_comparison.ended_at + interval 7 days
),

written as (
    select
        followed.session_number,
        edits.source_id,
        edits.session_id,
        edits.block_index,
        edits.path,
        edits.edited_at,
        edits.written_lines_count,
        edits.kept_hashes
    from followed
    inner join edits on followed.source_id = edits.source_id and followed.session_id = edits.session_id
    where edits.tool_name <> 'NotebookEdit'
),

kept_lines as (
    select
        * exclude (written_lines_count, kept_hashes),
        unnest(kept_hashes) as line_hash
    from written
),

replaced_lines as (
    select
        source_id,
        session_id,
        path,
        edited_at,
        unnest(replaced_hashes) as line_hash
    from edits
),

whole_files as (
    select
        source_id,
        session_id,
        path,
        edited_at,
        whole_hashes
    from edits
    where whole_hashes is not null
),

lost_lines as (
    select
        kept_lines.session_number,
        kept_lines.block_index,
        kept_lines.line_hash
    from kept_lines
    inner join replaced_lines
        on
            kept_lines.source_id = replaced_lines.source_id
            and kept_lines.path = replaced_lines.path
            and kept_lines.line_hash = replaced_lines.line_hash
            and kept_lines.session_id <> replaced_lines.session_id
    where
        replaced_lines.edited_at > kept_lines.edited_at
        and replaced_lines.edited_at <= kept_lines.edited_at + interval 7 days
    union
    select
        kept_lines.session_number,
        kept_lines.block_index,
        kept_lines.line_hash
    from kept_lines
    inner join whole_files
        on
            kept_lines.source_id = whole_files.source_id
            and kept_lines.path = whole_files.path
            and kept_lines.session_id <> whole_files.session_id
    where
        whole_files.edited_at > kept_lines.edited_at
        and whole_files.edited_at <= kept_lines.edited_at + interval 7 days
        and not list_contains(whole_files.whole_hashes, kept_lines.line_hash)
),

written_sums as (
    select
        session_number,
        sum(written_lines_count) as written_lines_count
    from written
    group by all
),

kept_sums as (
    select
        kept_lines.session_number,
        count(*) as kept_lines_count
    from kept_lines
    anti join lost_lines
        on
            kept_lines.session_number = lost_lines.session_number
            and kept_lines.block_index = lost_lines.block_index
            and kept_lines.line_hash = lost_lines.line_hash
    group by all
)

select
    written_sums.session_number,
    coalesce(kept_sums.kept_lines_count, 0) / nullif(written_sums.written_lines_count, 0) as week_survival_ratio
from written_sums
left join kept_sums on written_sums.session_number = kept_sums.session_number
order by written_sums.session_number
