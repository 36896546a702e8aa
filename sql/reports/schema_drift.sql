-- schema_drift: line types and fields that this version of Her does not know, kept in the raw lines.
-- grain: one row per line type, field and client version
-- key:   line_type, field_path, client_version
-- reads: schema_drift

select
    line_type,  -- type of the line
    field_path,  -- unknown field; empty for an unknown type
    client_version,  -- client that wrote it
    sum(occurrence_count)::bigint as occurrence_count,  -- how often
    count(distinct file_id) as files_count  -- in how many files
from schema_drift
group by all
order by occurrence_count desc, line_type, field_path, client_version
limit $limit
