-- int_threads: which subagent wrote a line; up to 1.0 the log gives subagents no id.
-- grain: one row per line of a subagent
-- key:   file_id, offset_bytes
-- reads: int_session_lines
-- note:  without an id, a subagent is named after the first line of its chain

with recursive unnamed as (
    select *
    from int_session_lines
    where
        is_sidechain
        and agent_id is null
),

chains as (
    select
        unnamed.source_id,
        unnamed.session_id,
        unnamed.file_id,
        unnamed.offset_bytes,
        unnamed.uuid,
        unnamed.uuid as root_uuid
    from unnamed
    anti join unnamed as parents
        on
            unnamed.source_id = parents.source_id
            and unnamed.session_id = parents.session_id
            and unnamed.parent_uuid = parents.uuid
    union all
    select
        unnamed.source_id,
        unnamed.session_id,
        unnamed.file_id,
        unnamed.offset_bytes,
        unnamed.uuid,
        chains.root_uuid
    from chains
    inner join unnamed
        on
            chains.source_id = unnamed.source_id
            and chains.session_id = unnamed.session_id
            and chains.uuid = unnamed.parent_uuid
            -- A line that names itself or a later line as its parent must not turn the chain into a ring.
            and (chains.file_id <> unnamed.file_id or chains.offset_bytes < unnamed.offset_bytes)
)

select
    source_id,  -- shard
    session_id,  -- session
    file_id,  -- line
    offset_bytes,  -- line
    agent_id  -- subagent: as logged, else sidechain- and the uuid of its first line
from int_session_lines
where agent_id is not null
union all
select
    source_id,
    session_id,
    file_id,
    offset_bytes,
    min('sidechain-' || root_uuid) as agent_id
from chains
group by all
