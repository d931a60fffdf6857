-- The tables of these schemas where row-level security is on, by schema and name.
-- $1: names of schemas, as a JSON array
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity
  and n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
order by 1, 2
