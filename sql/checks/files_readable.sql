-- files_readable: a file that cannot be read is missing from every figure.
-- table: source_files
-- severity: warning
-- reads: source_files
-- scope: source
-- remedy: Mend its permissions and run her ingest again.

select path as failing
from source_files
where
    is_current
    and status = 'unreadable'
