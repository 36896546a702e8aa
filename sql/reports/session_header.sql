-- session_header: one session as a whole; several rows where sources share its id.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: sessions

select *
from sessions
where
    session_id = $session_id
    and ($source_id::varchar is null or source_id = $source_id::varchar)
order by source_id
