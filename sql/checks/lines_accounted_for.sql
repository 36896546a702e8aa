-- lines_accounted_for: every line of a file is in the lake or refused; nothing is lost, nothing stands twice.
-- table: source_files
-- severity: critical
-- reads: changed_files, lines, refused_lines
-- remedy: this is a fault of the reader; nothing was published. Please report it.

with found_lines as (
    select
        lines.file_id,
        count(*) as lines_count,
        count(distinct lines.offset_bytes) as places_count,
        max(lines.offset_bytes + lines.length_bytes) as end_bytes
    from lines
    semi join changed_files on lines.file_id = changed_files.file_id
    group by all
),

found_refused as (
    select
        refused_lines.file_id,
        count(*) as refused_count,
        max(refused_lines.offset_bytes + refused_lines.length_bytes) as end_bytes
    from refused_lines
    semi join changed_files on refused_lines.file_id = changed_files.file_id
    group by all
)

select
    concat(
        changed_files.path, ': ', changed_files.lines_count, ' lines and ', changed_files.refused_count,
        ' refused were read, ', coalesce(found_lines.lines_count, 0), ' and ',
        coalesce(found_refused.refused_count, 0), ' are there'
    ) as failing
from changed_files
left join found_lines on changed_files.file_id = found_lines.file_id
left join found_refused on changed_files.file_id = found_refused.file_id
where
    changed_files.lines_count <> coalesce(found_lines.lines_count, 0)
    or changed_files.lines_count <> coalesce(found_lines.places_count, 0)
    or changed_files.refused_count <> coalesce(found_refused.refused_count, 0)
    or changed_files.consumed_bytes < greatest(coalesce(found_lines.end_bytes, 0), coalesce(found_refused.end_bytes, 0))
