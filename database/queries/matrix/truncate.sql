-- Which of these roles may empty which table. Row-level security has no say in it, so that the privilege is all there is to ask.
-- $1: names of roles, as a JSON array
select
    n.nspname::text as schema,
    c.relname::text as name,
    r.rolname::text as role
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles r on r.rolname in (select pg_catalog.jsonb_array_elements_text($1))
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
  and pg_catalog.has_table_privilege(r.oid, c.oid, 'truncate')
order by 1, 2, 3
