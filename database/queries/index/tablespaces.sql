-- The tablespaces of the server: an index file may name one.
select t.spcname::text as name
from pg_catalog.pg_tablespace t
order by 1
