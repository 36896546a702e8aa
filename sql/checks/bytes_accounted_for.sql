-- bytes_accounted_for: every byte that was read is in a line, refused, or between lines; nothing is lost.
-- table: source_files
-- severity: critical
-- reads: changed_files, lines, refused_lines
-- remedy: this is a fault of the reader; nothing was published. Please report it.

with line_sums as (
    select
        lines.file_id,
        sum(lines.length_bytes) as bytes
    from lines
    semi join changed_files on lines.file_id = changed_files.file_id
    group by all
),

refused_sums as (
    select
        refused_lines.file_id,
        sum(refused_lines.length_bytes) as bytes
    from refused_lines
    semi join changed_files on refused_lines.file_id = changed_files.file_id
    group by all
)

select
    concat(
        changed_files.path, ': ', changed_files.consumed_bytes, ' bytes were read, ',
        coalesce(line_sums.bytes, 0) + coalesce(refused_sums.bytes, 0) + changed_files.filler_bytes,
        ' are accounted for'
    ) as failing
from changed_files
left join line_sums on changed_files.file_id = line_sums.file_id
left join refused_sums on changed_files.file_id = refused_sums.file_id
where
    changed_files.consumed_bytes
    <> coalesce(line_sums.bytes, 0) + coalesce(refused_sums.bytes, 0) + changed_files.filler_bytes
