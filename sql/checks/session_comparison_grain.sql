-- session_comparison_grain: a session stands once among those compared, and all that were billed stand there.
-- table: session_comparison
-- severity: critical
-- reads: session_comparison, requests
-- remedy: this is a fault of the session_comparison model; nothing was published. Please report it.

with compared as (
    select
        source_id,
        session_id,
        count(*) as rows_count
    from session_comparison
    group by all
),

billed as (
    select distinct
        source_id,
        session_id
    from requests
)

select concat('session ', coalesce(compared.session_id, billed.session_id)) as failing
from compared
full outer join billed on compared.source_id = billed.source_id and compared.session_id = billed.session_id
where compared.rows_count > 1 or compared.rows_count is null or billed.session_id is null
