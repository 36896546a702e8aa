-- contents: whether the text of each block is there.
-- grain: one row per session that the last run built and that has blocks
-- key:   session_id
-- reads: blocks, contents

select
    blocks.session_id,  -- session
    count(*) as blocks_count,  -- blocks
    count_if(blocks.content_hash is not null and contents.content_hash is null)
        as without_text_count  -- blocks whose text is missing
from blocks
left join contents
    on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
group by blocks.session_id
order by blocks.session_id
