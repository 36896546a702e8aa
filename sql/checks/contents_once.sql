-- contents_once: a text is stored once; a second copy would double search results and size.
-- table: contents
-- severity: critical
-- reads: contents
-- scope: source
-- remedy: this is a fault of the publication; nothing was published. Please report it.

select concat('text ', content_hash) as failing
from contents
group by content_hash
having count(*) > 1
