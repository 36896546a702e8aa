-- group_comparison: whether chances are chances and verdicts are earned.
-- grain: one row per report and project
-- key:   report_on, project
-- reads: group_comparison
-- scope: source

select
    report_on,  -- last day of the week
    project,  -- project
    count(*) filter (
        where not (coalesce(p, 0) between 0 and 1 and coalesce(p_corrected, 0) between 0 and 1)
    ) as odd_chances_count,  -- chances that are none
    count(*) filter (
        where
            verdict in ('higher', 'lower')
            and (
                least(a_sessions_count, b_sessions_count) < 5
                or p_corrected is null
                or p_corrected >= 0.05
                or low * high <= 0
            )
    ) as unearned_count  -- verdicts that the figures do not bear
from group_comparison
group by all
order by report_on, project
