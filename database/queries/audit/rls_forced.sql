-- Row-level security is forced on an owner who cannot bypass it: what runs as the owner sees only what policies show. An update
-- changes nothing and a refreshed materialized view is empty, both without an error.
-- $1 names the schemas to look at.
-- level: note
-- remedy: set row_security = off in migrations and jobs, which turns silence into an error, or give the owner bypassrls
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('its owner %s is bound by its policies', pg_get_userbyid(c.relowner)) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles owner on owner.oid = c.relowner
where c.relkind in ('r', 'p')
  and c.relrowsecurity
  and c.relforcerowsecurity
  and not owner.rolsuper
  and not owner.rolbypassrls
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
