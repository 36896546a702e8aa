-- event_texts: the texts of a stretch of a session's events, each once, cut to a length a page can bear.
-- grain: one row per distinct text
-- key:   content_hash
-- reads: blocks, contents
-- note:  asked for a stretch at a time: finding one text costs as much as finding a hundred

with wanted as (
    select distinct content_hash
    from blocks
    where
        source_id = $source_id
        and session_id = $session_id
        and block_index between $first_index and $last_index
        and content_hash is not null
)

select
    contents.content_hash,  -- key of contents
    left(contents.text, $characters) as text,  -- redacted text, cut
    length(contents.text) as text_chars  -- characters of the whole text
from contents
semi join wanted on contents.content_hash = wanted.content_hash
where contents.source_id = $source_id
