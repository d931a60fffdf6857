-- Words that are no name unless they stand in quotes.
select k.word::text as word
from pg_catalog.pg_get_keywords() k
where k.catcode <> 'U'
order by 1
