-- An index of this name that is not valid: what a CREATE INDEX CONCURRENTLY leaves behind that did not come to its end.
-- $1: name of the index, $2: its schema, or null for the first one on the search path
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = $1
  and not i.indisvalid
  and case
        when $2::text is null then pg_catalog.pg_table_is_visible(c.oid)
        else n.nspname = $2
      end
