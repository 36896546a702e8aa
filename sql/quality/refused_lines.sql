-- refused_lines: which part of each file that the last run read could not be read.
-- grain: one row per file generation that the last run changed and that has lines
-- key:   file_id
-- reads: changed_files

select
    path,  -- file
    refused_count,  -- lines that could not be read
    refused_count / (lines_count + refused_count) as refused_ratio  -- of all its lines
from changed_files
where lines_count + refused_count > 0
order by path
