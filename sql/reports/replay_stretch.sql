-- replay_stretch: a stretch of a session's blocks, with what their texts are rendered by.
-- grain: one row per block
-- key:   event_index
-- reads: blocks

with stretch as (
    select *
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and block_index between $first_index and $last_index
        and file_id is not null -- what no line shows is no event
),

-- Pictures of a line that begins before the stretch count, too.
pictures as (
    select
        block_index,
        count(*) over (
            partition by file_id, offset_bytes
            order by line_block_index
            rows unbounded preceding
        ) - 1 as line_image_index
    from blocks
    where source_id = $source_id and session_id = $session_id and kind = 'image' and file_id is not null
)

select
    stretch.block_index as event_index,  -- position in the session, from 0
    stretch.kind,  -- what it is
    stretch.tool_name,  -- tool, on calls and results
    stretch.path,  -- file the call names
    stretch.is_error,  -- a failed result
    stretch.image_width,  -- pixels
    stretch.image_height,  -- pixels
    stretch.content_hash,  -- key of contents
    stretch.file_id,  -- line it stands on
    stretch.offset_bytes,  -- line it stands on
    pictures.line_image_index  -- of a picture, its place among those of its line, from 0
from stretch
left join pictures on stretch.block_index = pictures.block_index
order by event_index
