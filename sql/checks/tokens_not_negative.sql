-- tokens_not_negative: no class of tokens can be below zero.
-- table: requests
-- severity: critical
-- reads: requests
-- remedy: a log holds a count that the parser should have refused; nothing was published. Please report it.

select concat('response ', request_id, ' in file ', file_id, ' at byte ', offset_bytes) as failing
from requests
where
    least(
        uncached_input_tokens,
        cache_write_5m_tokens,
        cache_write_1h_tokens,
        cache_read_tokens,
        output_tokens,
        web_search_count
    ) < 0
    or thinking_tokens < 0
    or billed_picodollars < 0
