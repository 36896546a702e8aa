-- session_turns: the turns of a session in order, with what each cost and what share of the session that is.
-- grain: one row per turn
-- key:   turn_index
-- reads: turns

select
    turn_index,  -- from 0; -1 before the first prompt
    prompt,  -- first 2,000 characters
    is_inherited,  -- copied from another session, paid there
    started_at,  -- time of the prompt
    ended_at,  -- last line before the next prompt
    epoch(ended_at) - epoch(started_at) as duration_seconds,  -- from prompt to last line
    requests_count,  -- billed responses, subagents included
    tool_calls_count,  -- tool calls
    tool_errors_count,  -- failed tool calls
    uncached_input_tokens,  -- tokens
    cache_write_5m_tokens,  -- tokens
    cache_write_1h_tokens,  -- tokens
    cache_read_tokens,  -- tokens
    output_tokens,  -- tokens, as logged
    peak_context_tokens,  -- longest prompt of the main thread
    -- A turn without a response cost nothing; one whose responses have no price is another matter.
    case when requests_count = 0 then 0 else incurred_usd end as incurred_usd,  -- US dollars; null when nothing is priced
    case when requests_count = 0 then 0 else estimated_usd end as estimated_usd,  -- US dollars, best estimate of what was billed in it: with output that the log lost
    caused_usd,  -- US dollars: what the turn brought in cost over its whole life
    case when requests_count = 0 then 0 else waste_usd end as waste_usd,  -- US dollars: part of what was billed in it that was waste, content lane
    case when requests_count = 0 then 0 else cache_excess_usd end as cache_excess_usd  -- US dollars: part of it that missing the cache cost on top
from turns
where source_id = $source_id and session_id = $session_id
order by turn_index
