-- edits_add_up: each session's lines written and kept are those of its edits, and no edit keeps more than it wrote.
-- table: edits
-- severity: critical
-- reads: edits, session_comparison
-- remedy: this is a fault of the edits model; nothing was published. Please report it.

with sums as (
    select
        source_id,
        session_id,
        sum(written_lines_count) as written_lines_count,
        sum(kept_lines_count) as kept_lines_count,
        bool_and(
            kept_lines_count between 0 and written_lines_count
            and (len(kept_hashes) = kept_lines_count or tool_name = 'NotebookEdit')
        ) as is_sound
    from edits
    group by all
)

select concat('session ', session_comparison.session_id) as failing
from session_comparison
left join sums
    on session_comparison.source_id = sums.source_id and session_comparison.session_id = sums.session_id
where
    coalesce(sums.written_lines_count, 0) <> session_comparison.written_lines_count
    or coalesce(sums.kept_lines_count, 0) <> session_comparison.kept_lines_count
    or not coalesce(sums.is_sound, true)
