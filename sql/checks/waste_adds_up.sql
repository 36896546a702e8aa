-- waste_adds_up: the findings of a session, hints left out, cost what its requests are labelled waste for.
-- table: waste
-- severity: critical
-- reads: waste, request_labels, sessions
-- remedy: this is a fault of the accounting of waste; nothing was published. Please report it.

with by_finding as (
    select
        source_id,
        session_id,
        label,
        sum(tokens) as tokens,
        sum(waste_usd) as usd
    from waste
    where not is_hint
    group by all
),

by_label as (
    select
        source_id,
        session_id,
        label,
        sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens + output_tokens) as tokens,
        sum(content_usd) as usd
    from request_labels
    where label like 'C%'
    group by all
),

sides as (
    select
        coalesce(by_finding.source_id, by_label.source_id) as source_id,
        coalesce(by_finding.session_id, by_label.session_id) as session_id,
        by_finding.tokens as finding_tokens,
        by_label.tokens as label_tokens,
        by_finding.usd as finding_usd,
        by_label.usd as label_usd
    from by_finding
    full join by_label
        on
            by_finding.source_id = by_label.source_id
            and by_finding.session_id = by_label.session_id
            and by_finding.label = by_label.label
)

select concat('session ', sides.session_id) as failing
from sides
inner join sessions on sides.source_id = sessions.source_id and sides.session_id = sessions.session_id
where
    sides.finding_tokens is distinct from sides.label_tokens
    or sessions.billed_usd is not null
    and coalesce(sides.finding_usd, 0) <> coalesce(sides.label_usd, 0)
