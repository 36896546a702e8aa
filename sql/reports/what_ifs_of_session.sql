-- what_ifs_of_session: what one session would have cost under each policy that would change something in it.
-- grain: one row per policy
-- key:   policy
-- reads: what_ifs

select
    policy,  -- name
    family,  -- identity, remove, cap, lifetime, model, tools, earlier, delegate
    label,  -- label taken out, if any
    parameters,  -- of the policy, as JSON
    confidence,  -- exact, estimated or heuristic
    is_identity,  -- the replay of what happened gives the bill
    billed_usd,  -- US dollars
    replay_usd,  -- US dollars under this policy alone
    gross_saving_usd,  -- US dollars; below 0 it would have been dearer
    net_saving_usd,  -- US dollars after all labels before it; labels only
    low_usd,  -- lower end of the gross saving
    high_usd,  -- upper end of the gross saving
    note  -- what is assumed
from what_ifs
where
    source_id = $source_id
    and session_id = $session_id
order by policy_index, policy
