-- Schemas that a platform's own roles own: those of Supabase are made by Supabase, and by no migration.
select n.nspname::text as schema
from pg_catalog.pg_namespace n
join pg_catalog.pg_roles r on r.oid = n.nspowner
where r.rolname ~ '^(supabase_|pgbouncer$)'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'public'
order by n.nspname
