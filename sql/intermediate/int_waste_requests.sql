-- int_waste_requests: the responses of each thread in order, with the one before and after and what each wrote.
-- grain: one row per response of a thread, copied ones included
-- key:   source_id, session_id, thread_id, request_id
-- reads: blocks, ledger_places, requests

with places as (
    select
        source_id,
        session_id,
        thread_id,
        request_id,
        bool_or(is_owned) as is_owned,
        max(place_index) as place_index,
        arg_max(segment_index, place_index) as segment_index,
        arg_max(lineage_index, place_index) as lineage_index,
        arg_max(prompt_tokens, place_index) as prompt_tokens
    from ledger_places
    group by all
),

written as (
    select
        source_id,
        session_id,
        coalesce(agent_id, '') as thread_id,
        request_id,
        min(block_index) as first_block_index,
        max(block_index) as last_block_index,
        count(*) filter (where kind = 'tool_call') as calls_count,
        coalesce(sum(text_bytes) filter (where kind = 'text'), 0) as text_bytes
    from blocks
    where
        request_id is not null
        and kind in ('text', 'thinking', 'tool_call')
    group by all
)

select
    places.source_id,  -- shard
    places.session_id,  -- session
    places.thread_id,  -- subagent; empty on the main thread
    places.request_id,  -- response
    places.is_owned,  -- paid for by this session
    places.place_index,  -- its place on the ledger's line
    places.segment_index,  -- segment of the ledger
    places.lineage_index,  -- lineage of its thread
    places.prompt_tokens,  -- length of its prompt
    lag(places.request_id) over thread as previous_request_id,  -- response before
    lead(places.request_id) over thread as next_request_id,  -- response after
    lead(places.lineage_index) over thread as next_lineage_index,  -- lineage of the one after
    lead(places.prompt_tokens) over thread as next_prompt_tokens,  -- prompt of the one after
    written.first_block_index,  -- first block it wrote; null when none
    written.last_block_index,  -- last block it wrote
    lead(written.first_block_index) over thread as next_block_index,  -- first block of the one after
    coalesce(written.calls_count, 0) as calls_count,  -- tool calls it made
    cast(coalesce(written.text_bytes, 0) as bigint) as text_bytes,  -- bytes of what it said
    requests.is_output_floor or requests.stop_reason is null as is_unfinished,  -- no line says that it ended; null when copied
    row_number() over thread as rank  -- position in its thread, from 1
from places
left join written
    on
        places.source_id = written.source_id
        and places.session_id = written.session_id
        and places.thread_id = written.thread_id
        and places.request_id = written.request_id
left join requests
    on places.source_id = requests.source_id and places.request_id = requests.request_id
window thread as (
    partition by places.source_id, places.session_id, places.thread_id
    order by places.place_index
)
