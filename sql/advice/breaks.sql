-- breaks: prompts after a long break that had a context written to the cache again, as cases of a pattern of advice, net.
-- grain: one row per request that missed after a break
-- key:   source_id, request_id
-- reads: cache_misses, requests, lineages, prices
-- note:  an entry that expired within the hour belongs to the setting that lets entries live an hour, not here. Nor does
--        one that expired inside a turn, while a call waited for its permission or its end: nobody could have cleared the
--        context then. After /clear, system prompt and tools are written again all the same, as far as they were not
--        read: they are no saving. A /compact before the break is a call of its own (clients before 2.1 write the
--        context for it, later ones read it) and leaves a summary, 4,000 tokens, that is written after the break.
--        Nobody knows which of both fits: /compact, where it spares something, is the lower end, /clear the upper

with token_prices as (
    select
        price_id,
        model,
        any_value(standard_input_picodollars) as input_picodollars,
        any_value(standard_cache_write_5m_picodollars) as cache_write_5m_picodollars,
        any_value(standard_cache_read_picodollars) as cache_read_picodollars,
        any_value(standard_output_picodollars) as output_picodollars
    from prices
    group by all
),

breaks as (
    select
        misses.*,
        least(
            greatest(
                least(coalesce(lineages.static_tokens, 0), requests.expected_read_tokens) - requests.cache_read_tokens, 0
            ),
            misses.missed_tokens
        ) as static_tokens,
        coalesce(lineages.static_tokens, 0) as prefix_tokens,
        before.prompt_tokens + before.output_tokens as context_tokens,
        regexp_matches(before.client_version, '^[01]\.|^2\.0') as is_written_anew,
        token_prices.* exclude (price_id, model)
    from cache_misses as misses
    inner join requests
        on misses.source_id = requests.source_id and misses.request_id = requests.request_id
    inner join requests as before
        on misses.source_id = before.source_id and misses.previous_request_id = before.request_id
    left join lineages
        on
            misses.source_id = lineages.source_id
            and misses.session_id = lineages.session_id
            and lineages.thread_id = ''
            and requests.lineage_index = lineages.lineage_index
    left join token_prices
        on requests.price_id = token_prices.price_id and requests.model = token_prices.model
    where
        misses.excess_usd > 0
        and misses.missed_tokens > 0
        and misses.age_seconds > 3600
        and misses.agent_id is null
        and (misses.session_id, misses.turn_index) is distinct from (before.session_id, before.turn_index)
        and list_contains($kinds::varchar[], misses.label)
        and ($since_at::timestamptz is null or misses.started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or misses.started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], misses.owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], misses.project))
        and ($models::varchar[] is null or list_contains($models::varchar[], misses.model))
),

nets as (
    select
        *,
        excess_usd * (missed_tokens - static_tokens) / missed_tokens as clear_usd,
        excess_usd * greatest(missed_tokens - static_tokens - 4000, 0) / missed_tokens
        - (
            case
                -- An instruction, and before 2.1 a system prompt, of its own: as measured with a known bill.
                when is_written_anew
                    then (greatest(context_tokens - prefix_tokens, 0) + 2100) * cache_write_5m_picodollars
                else context_tokens * cache_read_picodollars + 1700 * input_picodollars
            end
            + 4000 * output_picodollars
        ) / 1e12 as compact_usd
    from breaks
)

select
    '' as subject,  -- what cases are grouped by
    source_id,  -- shard
    session_id,  -- session
    null::bigint as finding_index,  -- none
    started_at,  -- time
    turn_index,  -- turn
    request_id,  -- response that missed
    'estimated' as confidence,  -- how much of it is system prompt and tools is estimated
    (clear_usd + greatest(coalesce(compact_usd, 0), 0)) / 2 as saving_usd,  -- US dollars: the middle of both
    least(greatest(coalesce(compact_usd, 0), 0), clear_usd) as low_usd,  -- with /compact before the break
    clear_usd as high_usd  -- with /clear
from nets
where clear_usd > 0
