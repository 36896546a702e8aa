-- replay_bills: what each response of a session was billed.
-- grain: one row per response
-- key:   request_id
-- reads: requests

select
    request_id,  -- response
    prompt_tokens,  -- length of its prompt
    uncached_input_tokens,  -- tokens at the input price
    cache_write_5m_tokens + cache_write_1h_tokens as cache_write_tokens,  -- tokens
    cache_read_tokens,  -- tokens
    output_tokens,  -- tokens, as logged
    is_output_floor,  -- its output is a lower bound
    cast(round(billed_usd * 1000000000) as bigint) as nanodollars  -- 10^-9 US dollars; null without a price
from requests
where source_id = $source_id and session_id = $session_id
order by request_index, request_id
