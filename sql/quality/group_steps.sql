-- group_steps: whether the steps of each comparison add up to the difference of the bills.
-- grain: one row per report, project and view
-- key:   report_on, project, view
-- reads: group_steps, group_comparison
-- scope: source

with bills as (
    select
        report_on,
        project,
        any_value(a_usd) as a_usd,
        any_value(b_usd) as b_usd
    from group_comparison
    group by all
),

sums as (
    select
        report_on,
        project,
        view,
        sum(difference_usd) as difference_usd
    from group_steps
    group by all
)

select
    bills.report_on,  -- last day of the week
    bills.project,  -- project
    sums.view,  -- way of dividing
    cast(
        (coalesce(sums.difference_usd, 0) - (bills.b_usd - bills.a_usd)) * 1000000000000 as bigint
    ) as difference_picodollars  -- steps less difference of the bills
from bills
left join sums on bills.report_on = sums.report_on and bills.project = sums.project
order by bills.report_on, bills.project, sums.view
