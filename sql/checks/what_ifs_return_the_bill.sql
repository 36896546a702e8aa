-- what_ifs_return_the_bill: the replay of what happened gives each session's bill, to the picodollar.
-- table: what_ifs
-- severity: warning
-- reads: what_ifs
-- remedy: this is a fault of the replay; these sessions show no what-ifs. Please report it.

select concat('session ', session_id) as failing
from what_ifs
where
    policy = 'identity'
    and not is_identity
