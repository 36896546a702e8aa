-- comparison_parts: parts of sessions given as two lists, with the place of each session in them; money in whole picodollars.
-- grain: one row per session, model, axis and part
-- key:   session_number, model, axis, part
-- reads: session_parts

with asked as (
    select
        unnest($sources) as source_id,
        unnest($sessions) as session_id,
        generate_subscripts($sessions, 1) - 1 as session_number
)

select
    asked.session_number,
    session_parts.model,
    session_parts.axis,
    session_parts.part,
    session_parts.cache_read_tokens,
    session_parts.cache_write_1h_tokens,
    session_parts.cache_write_5m_tokens,
    session_parts.uncached_tokens,
    session_parts.output_tokens,
    session_parts.missed_1h_tokens,
    session_parts.missed_5m_tokens,
    session_parts.missed_uncached_tokens,
    session_parts.content_usd is not null as is_priced,
    cast(coalesce(session_parts.content_usd, 0) * 1000000000000 as bigint) as content_picodollars,
    cast(coalesce(session_parts.cache_excess_usd, 0) * 1000000000000 as bigint) as cache_excess_picodollars,
    cast(coalesce(session_parts.premium_usd, 0) * 1000000000000 as bigint) as premium_picodollars,
    cast(coalesce(session_parts.fees_usd, 0) * 1000000000000 as bigint) as fees_picodollars
from asked
inner join session_parts
    on asked.source_id = session_parts.source_id and asked.session_id = session_parts.session_id
order by asked.session_number, session_parts.model, session_parts.axis, session_parts.part
