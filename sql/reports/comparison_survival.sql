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
        edits.kept_lines_count,
        edits.kept_hashes
    from followed
    inner join edits on followed.source_id = edits.source_id and followed.session_id = edits.session_id
    where edits.tool_name <> 'NotebookEdit'
),

-- Most files are touched by one session: only the lines of the others are looked at one by one.
touched as (
    select
        written.session_number,
        written.block_index,
        written.kept_hashes,
        edits.replaced_hashes,
        edits.whole_hashes
    from written
    inner join edits
        on
            written.source_id = edits.source_id
            and written.path = edits.path
            and written.session_id <> edits.session_id
    where
        edits.edited_at > written.edited_at
        and edits.edited_at <= written.edited_at + interval 7 days
        and edits.tool_name <> 'NotebookEdit'
        and len(written.kept_hashes) > 0
        and (edits.whole_hashes is not null or len(edits.replaced_hashes) > 0)
),

lost_hashes as (
    select
        session_number,
        block_index,
        unnest(
            case
                when whole_hashes is null then list_intersect(kept_hashes, replaced_hashes)
                else list_filter(kept_hashes, line -> not list_contains(whole_hashes, line))
            end
        ) as line_hash
    from touched
),

lost_lists as (
    select
        session_number,
        block_index,
        list(distinct line_hash) as lost_hashes
    from lost_hashes
    group by all
)

select
    written.session_number,
    sum(
        written.kept_lines_count
        - coalesce(len(list_filter(written.kept_hashes, line -> list_contains(lost_lists.lost_hashes, line))), 0)
    ) / nullif(sum(written.written_lines_count), 0) as week_survival_ratio
from written
left join lost_lists
    on written.session_number = lost_lists.session_number and written.block_index = lost_lists.block_index
group by all
order by written.session_number
