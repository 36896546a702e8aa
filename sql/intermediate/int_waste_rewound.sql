-- int_waste_rewound: C2, requests on a way that a person took back.
-- grain: one row per claim
-- key:   source_id, session_id, request_id
-- reads: blocks, int_waste_requests, lineages
-- note:  a request counts when the prompt after the rewind holds nothing that it wrote, nor what any after it wrote

with rewinds as (
    select
        lineages.source_id,
        lineages.session_id,
        lineages.thread_id,
        lineages.lineage_index,
        int_waste_requests.place_index,
        min(blocks.block_index) filter (where blocks.kind = 'prompt') as prompt_block_index
    from lineages
    inner join int_waste_requests
        on
            lineages.source_id = int_waste_requests.source_id
            and lineages.session_id = int_waste_requests.session_id
            and lineages.thread_id = int_waste_requests.thread_id
            and lineages.first_request_id = int_waste_requests.request_id
    left join blocks
        on
            lineages.source_id = blocks.source_id
            and lineages.session_id = blocks.session_id
            and lineages.first_request_id = blocks.first_request_id
    where lineages.cut = 'rewind'
    group by all
),

-- The last prompt that held something of what a response wrote.
kept as (
    select
        blocks.source_id,
        blocks.session_id,
        blocks.request_id,
        max(int_waste_requests.place_index) as last_place_index
    from blocks
    inner join int_waste_requests
        on
            blocks.source_id = int_waste_requests.source_id
            and blocks.session_id = int_waste_requests.session_id
            and coalesce(blocks.agent_id, '') = int_waste_requests.thread_id
            and blocks.last_request_id = int_waste_requests.request_id
    where blocks.request_id is not null
    group by all
),

-- From behind the last response that is still there, all went.
branches as (
    select
        rewinds.source_id,
        rewinds.session_id,
        rewinds.thread_id,
        rewinds.lineage_index,
        rewinds.prompt_block_index,
        max(int_waste_requests.place_index) filter (where kept.last_place_index >= rewinds.place_index) as kept_place_index
    from rewinds
    inner join int_waste_requests
        on
            rewinds.source_id = int_waste_requests.source_id
            and rewinds.session_id = int_waste_requests.session_id
            and rewinds.thread_id = int_waste_requests.thread_id
            and rewinds.lineage_index = int_waste_requests.lineage_index + 1
    left join kept
        on
            int_waste_requests.source_id = kept.source_id
            and int_waste_requests.session_id = kept.session_id
            and int_waste_requests.request_id = kept.request_id
    group by all
)

select
    int_waste_requests.source_id,  -- shard
    int_waste_requests.session_id,  -- session
    'C2.rewound' as kind,  -- rule
    concat(int_waste_requests.thread_id, ':', branches.lineage_index) as finding_key,  -- the rewind
    'request' as target,  -- all of it
    cast(null as bigint) as block_index,  -- no block
    int_waste_requests.request_id,  -- a request that was taken back
    int_waste_requests.session_id as evidence_session_id,  -- session of the new way
    branches.prompt_block_index as evidence_block_index,  -- the prompt that began it
    'A person went back to before this and took another way.' as evidence  -- why
from branches
inner join int_waste_requests
    on
        branches.source_id = int_waste_requests.source_id
        and branches.session_id = int_waste_requests.session_id
        and branches.thread_id = int_waste_requests.thread_id
        and branches.lineage_index = int_waste_requests.lineage_index + 1
where
    int_waste_requests.is_owned
    and int_waste_requests.first_block_index is not null
    and int_waste_requests.place_index > coalesce(branches.kept_place_index, -1)
