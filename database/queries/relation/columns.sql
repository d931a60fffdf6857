-- The columns of a relation, in order.
-- $1: its schema, $2: its name
select a.attname::text as name
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1
  and c.relname = $2
  and a.attnum > 0
  and not a.attisdropped
order by a.attnum
