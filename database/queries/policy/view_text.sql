-- The text of a temporary view of this session, written by the server; nothing if there is no such view.
-- $1: its name
select pg_catalog.pg_get_viewdef(c.oid) as text
from pg_catalog.pg_class c
where c.relnamespace = pg_catalog.pg_my_temp_schema()
  and c.relname = $1
