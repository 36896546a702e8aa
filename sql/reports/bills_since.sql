-- bills_since: what was billed since a day, as far as budgets tell it apart.
-- grain: one row per day, project and person
-- key:   day_on, project, owner
-- reads: daily_cost

select
    day_on,  -- day in the configured time zone
    project,  -- project
    owner,  -- person
    sum(billed_usd) as billed_usd  -- US dollars; null when nothing is priced
from daily_cost
where day_on >= $since_on::date
group by all
order by all
