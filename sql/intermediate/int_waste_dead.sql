-- int_waste_dead: C13, large results that prompts went on carrying after their last use.
-- grain: one row per claim
-- key:   source_id, session_id, block_index
-- reads: blocks, int_waste_requests, waste_uses
-- note:  from 1,000 tokens on, and ten prompts after the last use; the first answer to a result counts as a use. An upper
--        bound: thinking that is withheld can have used it, and to take it out costs the suffix behind it (see what-if)

with carried as (
    select
        waste_uses.source_id,
        waste_uses.session_id,
        waste_uses.block_index,
        waste_uses.last_use_block_index,
        coalesce(blocks.agent_id, '') as thread_id,
        greatest(entered.rank, coalesce(used.rank, 0)) as used_rank,
        held.rank as held_rank
    from waste_uses
    inner join blocks
        on
            waste_uses.source_id = blocks.source_id
            and waste_uses.session_id = blocks.session_id
            and waste_uses.block_index = blocks.block_index
    inner join int_waste_requests as entered
        on
            blocks.source_id = entered.source_id
            and blocks.session_id = entered.session_id
            and coalesce(blocks.agent_id, '') = entered.thread_id
            and blocks.first_request_id = entered.request_id
    inner join int_waste_requests as held
        on
            blocks.source_id = held.source_id
            and blocks.session_id = held.session_id
            and coalesce(blocks.agent_id, '') = held.thread_id
            and blocks.last_request_id = held.request_id
    left join blocks as answers
        on
            waste_uses.source_id = answers.source_id
            and waste_uses.session_id = answers.session_id
            and waste_uses.last_use_block_index = answers.block_index
    left join int_waste_requests as used
        on
            answers.source_id = used.source_id
            and answers.session_id = used.session_id
            and coalesce(answers.agent_id, '') = used.thread_id
            and answers.request_id = used.request_id
)

select
    carried.source_id,  -- shard
    carried.session_id,  -- session
    case when carried.last_use_block_index is null then 'C13.never' else 'C13.expired' end as kind,  -- rule
    cast(carried.block_index as varchar) as finding_key,  -- the result
    'block' as target,  -- all of it
    carried.block_index,  -- the result
    following.request_id,  -- from the prompt after its last use on
    case when carried.last_use_block_index is not null then carried.session_id end as evidence_session_id,  -- session of the use
    carried.last_use_block_index as evidence_block_index,  -- answer that used it last; null when none did
    concat(
        carried.held_rank - carried.used_rank, ' prompts carried it after ',
        case
            when carried.last_use_block_index is null then 'the first answer; the log shows no use of it since.'
            else 'its last use that the log shows.'
        end
    ) as evidence  -- why
from carried
inner join int_waste_requests as following
    on
        carried.source_id = following.source_id
        and carried.session_id = following.session_id
        and carried.thread_id = following.thread_id
        and carried.used_rank + 1 = following.rank
where carried.held_rank - carried.used_rank >= 10
