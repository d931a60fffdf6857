-- Every relation of the platform's schemas that has rows, by schema and name.
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2
