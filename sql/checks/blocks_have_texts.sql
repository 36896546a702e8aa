-- blocks_have_texts: a block whose text is missing cannot be shown or searched.
-- table: contents
-- severity: critical
-- reads: blocks, contents
-- remedy: this is a fault of the publication; nothing was published. Please report it.

select concat('block ', blocks.block_index, ' of session ', blocks.session_id) as failing
from blocks
anti join contents
    on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
where blocks.content_hash is not null
