-- schema_drift: how much that Her does not know each client version wrote into the files that the last run read.
-- grain: one row per client version
-- key:   client_version
-- reads: changed_files, lines, schema_drift

with unknown_things as (
    select
        coalesce(schema_drift.client_version, 'unknown') as client_version,
        count(distinct schema_drift.line_type || ' ' || schema_drift.field_path) as unknown_count,
        sum(schema_drift.occurrence_count) filter (where schema_drift.field_path = '') as unknown_lines_count
    from schema_drift
    semi join changed_files on schema_drift.file_id = changed_files.file_id
    group by all
),

written as (
    select
        coalesce(lines.client_version, 'unknown') as client_version,
        count(*) as lines_count
    from lines
    semi join changed_files on lines.file_id = changed_files.file_id
    group by all
)

select
    written.client_version,  -- client
    written.lines_count,  -- lines it wrote
    coalesce(unknown_things.unknown_count, 0) as unknown_count,  -- line types and fields that are not known
    least(
        1.0, coalesce(unknown_things.unknown_lines_count, 0) / written.lines_count
    ) as unknown_lines_ratio  -- lines of a type that is not known, of all
from written
left join unknown_things on written.client_version = unknown_things.client_version
order by written.client_version
