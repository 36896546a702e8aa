-- longest_turn: the turns that took longest, pauses included.
-- grain: one row per turn, the longest first, at most $limit
-- key:   source_id, session_id, turn_index
-- reads: turns, sessions, blocks

with spots as (
    select source_id, session_id, turn_index, min(block_index) as block_index
    from blocks
    where file_id is not null
    group by source_id, session_id, turn_index
)

select
    concat(
        'Turn ', turns.turn_index + 1, ' of "', coalesce(sessions.title, turns.session_id), '" took ',
        case
            when turns.ended_at - turns.started_at < interval 1 minute
                then concat((epoch(turns.ended_at) - epoch(turns.started_at))::bigint, ' s')
            when turns.ended_at - turns.started_at < interval 1 hour
                then concat(((epoch(turns.ended_at) - epoch(turns.started_at)) // 60)::bigint, ' min')
            else concat(
                ((epoch(turns.ended_at) - epoch(turns.started_at)) // 3600)::bigint, ' h ',
                ((epoch(turns.ended_at) - epoch(turns.started_at)) // 60 % 60)::bigint, ' min'
            )
        end,
        ', ', printf('%,d', turns.requests_count), if(turns.requests_count = 1, ' response', ' responses'), ' and ',
        printf('%,d', turns.tool_calls_count), if(turns.tool_calls_count = 1, ' tool call.', ' tool calls.')
    ) as said,  -- sentence
    turns.source_id,  -- shard
    turns.session_id,  -- session
    spots.block_index,  -- where the turn begins
    turns.turn_index,  -- turn
    epoch(turns.ended_at) - epoch(turns.started_at) as seconds,  -- seconds
    count(*) over () as found_count  -- turns in all
from turns
inner join sessions on turns.source_id = sessions.source_id and turns.session_id = sessions.session_id
left join spots
    on
        turns.source_id = spots.source_id
        and turns.session_id = spots.session_id
        and turns.turn_index = spots.turn_index
where
    not turns.is_inherited
    and turns.turn_index >= 0
    and turns.ended_at is not null
    and coalesce(turns.started_at, $missing_at) >= $since_at
    and coalesce(turns.started_at, $missing_at) < $until_at
    and ($session_id is null or turns.session_id = $session_id)
order by seconds desc, turns.started_at
limit $limit
