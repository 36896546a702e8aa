-- sources: how fresh a source is.
-- grain: one row per source
-- key:   source_id
-- reads: sources, source_files, lines
-- scope: source

with last_lines as (
    select
        source_id,
        max(logged_at) filter (where logged_at < now() + interval 1 day) as logged_at
    from lines
    group by all
)

select
    sources.source_id,  -- source
    date_diff('hour', sources.last_seen_at, now()) as hours_since_read,  -- since the last run that read it
    date_diff('day', last_lines.logged_at, now()) as days_since_line  -- since its latest line was written
from sources
left join last_lines on sources.source_id = last_lines.source_id
