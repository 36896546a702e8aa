-- comparison_turns: the own turns of a session in order, with what it takes to lay them beside those of another.
-- grain: one row per turn
-- key:   turn_index
-- reads: turns

select
    turn_index,
    prompt,
    prompt_hash,
    started_at,
    epoch(ended_at) - epoch(started_at) as active_seconds,
    requests_count,
    tool_calls_count,
    tool_errors_count,
    uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens as sent_tokens,
    output_tokens,
    peak_context_tokens,
    admitted_tokens,
    missed_tokens,
    incurred_usd,
    estimated_usd
from turns
where
    source_id = $source_id
    and session_id = $session_id
    and not is_inherited
order by turn_index
