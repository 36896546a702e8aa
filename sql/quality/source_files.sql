-- source_files: how much of each file that the last run read is accounted for.
-- grain: one row per file generation that the last run changed
-- key:   file_id
-- reads: changed_files, lines, refused_lines

with line_sums as (
    select
        lines.file_id,
        count(*) as found_lines_count,
        sum(lines.length_bytes) as line_bytes
    from lines
    semi join changed_files on lines.file_id = changed_files.file_id
    group by all
),

refused_sums as (
    select
        refused_lines.file_id,
        count(*) as found_refused_count,
        sum(refused_lines.length_bytes) as refused_bytes
    from refused_lines
    semi join changed_files on refused_lines.file_id = changed_files.file_id
    group by all
)

select
    changed_files.path,  -- file
    changed_files.lines_count + changed_files.refused_count as read_count,  -- lines and refused lines that were read
    cast(
        coalesce(line_sums.found_lines_count, 0) + coalesce(refused_sums.found_refused_count, 0) as bigint
    ) as found_count,  -- lines and refused lines that are in the lake
    changed_files.consumed_bytes,  -- bytes said to be consumed
    cast(
        coalesce(line_sums.line_bytes, 0) + coalesce(refused_sums.refused_bytes, 0) + changed_files.filler_bytes
        as bigint
    ) as accounted_bytes,  -- bytes in lines, in refused lines, and between them
    changed_files.size_bytes - changed_files.consumed_bytes as waiting_bytes  -- half-written last line
from changed_files
left join line_sums on changed_files.file_id = line_sums.file_id
left join refused_sums on changed_files.file_id = refused_sums.file_id
where changed_files.status = 'ok'
order by changed_files.path
