-- session_contexts: how long the prompts of the main thread were over the course of some sessions.
-- grain: one row per session
-- key:   source_id, session_id
-- reads: requests
-- note:  at most 40 points, each the longest prompt of its stretch, so that a compaction shows as a fall

with numbered as (
    select
        source_id,
        session_id,
        prompt_tokens,
        row_number() over one_session - 1 as place,
        count(*) over (partition by source_id, session_id) as places_count
    from requests
    where
        not is_sidechain
        and list_contains($session_ids::varchar[], session_id)
    window one_session as (partition by source_id, session_id order by request_index)
),

stretches as (
    select
        source_id,
        session_id,
        (place * 40) // greatest(places_count, 40) as stretch,
        max(prompt_tokens) as prompt_tokens
    from numbered
    group by all
)

select
    source_id,  -- shard
    session_id,  -- session
    list(prompt_tokens order by stretch) as prompt_tokens  -- tokens, in order
from stretches
group by source_id, session_id
