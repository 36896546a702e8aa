-- wasted: what was paid for and not needed, by kind.
-- grain: one row per kind, the dearest first, at most $limit
-- key:   kind
-- reads: waste

select
    concat(
        kind, ' wasted ', coalesce(printf('$%.2f', (sum(waste_usd))::double), 'no known price'), ' in ', printf('%,d', count(*)), if(count(*) = 1, ' finding', ' findings'),
        '; the dearest: ', max_by(evidence, waste_usd), ' Remedy: ', max_by(remedy, waste_usd)
    ) as said,  -- sentence
    max_by(source_id, waste_usd) as source_id,  -- shard
    max_by(session_id, waste_usd) as session_id,  -- session of the dearest
    max_by(struct_pack(place := block_index), waste_usd).place as block_index,  -- block of the dearest
    kind,  -- kind of waste
    sum(waste_usd) as usd,  -- US dollars
    count(*) as findings_count,  -- findings
    count(*) over () as found_count  -- kinds in all
from waste
where
    not is_hint
    and coalesce(started_at, $missing_at) >= $since_at
    and coalesce(started_at, $missing_at) < $until_at
    and ($session_id is null or session_id = $session_id)
group by kind
order by usd desc nulls last, kind
limit $limit
