-- daily_bill: what each day of a period was billed, days without anything included.
-- grain: one row per day from the first to the last
-- key:   day_on
-- reads: daily_cost

with days as (
    select cast(unnest(generate_series($since_on::date, $until_on::date, interval 1 day)) as date) as day_on
),

chosen as (
    select
        day_on,
        sum(billed_usd) as billed_usd
    from daily_cost
    where
        ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
        and ($models::varchar[] is null or list_contains($models::varchar[], model))
    group by day_on
)

select
    days.day_on,  -- day in the configured time zone
    coalesce(chosen.billed_usd, 0) as billed_usd  -- US dollars, 0 on a day without a priced response
from days
left join chosen on days.day_on = chosen.day_on
order by days.day_on
