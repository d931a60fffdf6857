-- An index, if it is not valid: what a CREATE INDEX CONCURRENTLY leaves behind that did not come to its end.
-- $1: number of the index, or null
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where i.indexrelid = $1::bigint::oid
  and not i.indisvalid
