-- About how large tables are, as PostgreSQL last counted them: nobody who holds a lock on one is waited for. Tables that
-- were not counted yet, and those that only have partitions, are left out.
select
    n.nspname::text as schema,
    c.relname::text as name,
    c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint as bytes,
    c.reltuples::bigint as rows
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm')
  and c.relpersistence <> 't'
  and c.reltuples >= 0
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
