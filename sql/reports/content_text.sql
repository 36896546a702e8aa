-- content_text: one text, whole.
-- grain: one row
-- key:   source_id, content_hash
-- reads: contents

select text  -- redacted text
from contents
where source_id = $source_id and content_hash = $content_hash
limit 1
