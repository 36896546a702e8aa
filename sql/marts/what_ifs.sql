-- what_ifs: what a session would have cost under another policy; its requests replayed, one policy at a time.
-- grain: one row per session and policy that would change something in it, and one for the empty policy
-- key:   source_id, session_id, policy
-- reads: whatif_rows, int_sessions
-- note:  gross savings are never added: they overlap; net savings of the labels add up to that of remove.all

select
    whatif_rows.source_id,  -- shard
    whatif_rows.session_id,  -- session
    int_sessions.owner,  -- person
    int_sessions.project,  -- project
    int_sessions.started_at,  -- begin of the session
    whatif_rows.policy,  -- identity, remove.C5, remove.all, cap.5000, ttl.1h.main, model.claude-haiku-5-5, ...
    whatif_rows.policy_index,  -- place in the list of policies
    whatif_rows.family,  -- identity, remove, cap, lifetime, model, tools, earlier, delegate
    whatif_rows.label,  -- label taken out: K1 to K5, C1 to C14
    whatif_rows.parameters,  -- of the policy, as JSON
    whatif_rows.confidence,  -- exact, estimated or heuristic
    whatif_rows.is_identity,  -- the replay of what happened gives the bill to the picodollar; if not, nothing else is shown
    cast(whatif_rows.billed_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as billed_usd,  -- US dollars
    cast(whatif_rows.replay_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as replay_usd,  -- US dollars under this policy alone
    cast(whatif_rows.gross_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as gross_saving_usd,  -- US dollars, this policy alone; below 0: dearer
    cast(whatif_rows.net_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as net_saving_usd,  -- US dollars, after all labels before it; labels only
    cast(whatif_rows.low_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as low_usd,  -- lower end of the gross saving
    cast(whatif_rows.high_picodollars as decimal(26, 0)) * cast(0.000000000001 as decimal(12, 12)) as high_usd,  -- upper end of the gross saving
    whatif_rows.note  -- what is assumed
from whatif_rows
inner join int_sessions
    on whatif_rows.source_id = int_sessions.source_id and whatif_rows.session_id = int_sessions.session_id
