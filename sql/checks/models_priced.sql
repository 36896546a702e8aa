-- models_priced: a model without a price makes the bill a lower bound.
-- table: requests
-- severity: warning
-- reads: requests
-- scope: source
-- remedy: Add a dated entry for it to the price file named in config.toml (prices = "...").

select concat(coalesce(model, 'no model'), ' (', count(*), ' responses)') as failing
from requests
where billed_picodollars is null
group by model
