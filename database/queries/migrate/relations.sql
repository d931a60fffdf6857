-- Tables that people made, and the file that each one's rows are in.
select
    c.oid::bigint as id,
    n.nspname::text as schema,
    c.relname::text as name,
    pg_catalog.pg_relation_filenode(c.oid)::bigint as file,
    null::int as strength
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
