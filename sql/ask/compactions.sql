-- compactions: when contexts were compacted.
-- grain: one row per compaction, the latest first, at most $limit
-- key:   source_id, session_id, block_index
-- reads: blocks, sessions

select
    concat(
        '"', coalesce(sessions.title, blocks.session_id), '" was compacted ', case when blocks.turn_index < 0 then 'before the first prompt' else concat('in turn ', blocks.turn_index + 1) end, ' on ',
        strftime(blocks.logged_at, '%Y-%m-%d %H:%M'), ' UTC; the summary has ', printf('%,d', coalesce(blocks.size_tokens, 0)::bigint), if(blocks.size_tokens = 1, ' token.', ' tokens.')
    ) as said,  -- sentence
    blocks.source_id,  -- shard
    blocks.session_id,  -- session
    blocks.block_index,  -- summary
    blocks.turn_index,  -- turn
    blocks.size_tokens,  -- tokens of the summary
    blocks.logged_at,  -- time
    count(*) over () as found_count  -- compactions in all
from blocks
inner join sessions on blocks.source_id = sessions.source_id and blocks.session_id = sessions.session_id
where
    blocks.kind = 'compact_summary'
    and not blocks.is_inherited
    and coalesce(blocks.logged_at, $missing_at) >= $since_at
    and coalesce(blocks.logged_at, $missing_at) < $until_at
    and ($session_id is null or blocks.session_id = $session_id)
order by blocks.logged_at desc nulls last, blocks.session_id, blocks.block_index
limit $limit
