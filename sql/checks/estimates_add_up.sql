-- estimates_add_up: the best estimates of each session compared are those of its responses, between their ends, and at least as logged.
-- table: session_comparison
-- severity: critical
-- reads: session_comparison, requests
-- remedy: this is a fault of the session_comparison model; nothing was published. Please report it.

with sums as (
    select
        source_id,
        session_id,
        sum(output_tokens) as output_tokens,
        sum(output_estimated_tokens) as output_estimated_tokens,
        sum(output_low_tokens) as output_low_tokens,
        sum(output_high_tokens) as output_high_tokens,
        sum(estimated_usd) as estimated_usd
    from requests
    group by all
)

select concat('session ', session_comparison.session_id) as failing
from session_comparison
left join sums
    on session_comparison.source_id = sums.source_id and session_comparison.session_id = sums.session_id
where
    sums.output_tokens is distinct from session_comparison.output_tokens
    or sums.output_estimated_tokens is distinct from session_comparison.output_estimated_tokens
    or sums.output_low_tokens is distinct from session_comparison.output_low_tokens
    or sums.output_high_tokens is distinct from session_comparison.output_high_tokens
    or sums.estimated_usd is distinct from session_comparison.estimated_usd
    -- The ends in dollars go through floating point.
    or session_comparison.estimated_usd < session_comparison.billed_usd
    or session_comparison.estimated_low_usd - session_comparison.estimated_usd > 0.000001
    or session_comparison.estimated_usd - session_comparison.estimated_high_usd > 0.000001
