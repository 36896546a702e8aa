-- comparison_price: price lists of models at standard speed, anywhere, first band, in force at a time; without one the last.
-- grain: one row per model that has a price
-- key:   model
-- reads: prices

select
    model,
    price_id,
    standard_cache_read_picodollars,
    standard_cache_write_1h_picodollars,
    standard_cache_write_5m_picodollars,
    standard_input_picodollars,
    standard_output_picodollars
from prices
where
    list_contains($models::varchar[], model)
    and speed = 'standard'
    and geography = 'global'
    and tier = 'standard'
    and prompt_above_tokens = 0
    and standard_input_picodollars is not null
    and ($at::timestamptz is null or valid_from <= $at::timestamptz)
qualify row_number() over (partition by model order by valid_from desc) = 1
