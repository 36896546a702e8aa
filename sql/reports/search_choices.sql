-- search_choices: the kinds of blocks and the tools that occur, the most frequent first.
-- grain: one row
-- key:   kinds
-- reads: blocks

with kinds as (
    select kind, count(*) as blocks_count
    from blocks
    where file_id is not null
    group by kind
),

tools as (
    select tool_name, count(*) as blocks_count
    from blocks
    where tool_name is not null and file_id is not null
    group by tool_name
)

select
    (select list(kind order by blocks_count desc, kind) from kinds) as kinds,  -- kinds of blocks
    (select list(tool_name order by blocks_count desc, tool_name) from tools) as tools  -- tools called
