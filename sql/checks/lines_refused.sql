-- lines_refused: lines that could not be read are missing from every figure.
-- table: refused_lines
-- severity: warning
-- reads: refused_lines
-- scope: source
-- remedy: See the table refused_lines for the bytes and the reason.

select concat('file ', file_id, ' at byte ', offset_bytes, ': ', reason) as failing
from refused_lines
