-- The owner of the table is not bound by its policies, though the role is an ordinary one that others may work as. Before it is
-- forced: an owner that is bound changes no row in a migration or a job, without any error, unless `row_security` is off in that
-- session.
-- $1 names the schemas to look at.
-- level: note
-- remedy: let a role own the tables that nobody works as, or force row-level security and set row_security = off in migrations
-- and jobs
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('its owner %s is bound by no policy', pg_get_userbyid(c.relowner)) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles owner on owner.oid = c.relowner
where c.relkind in ('r', 'p')
  and c.relrowsecurity
  and not c.relforcerowsecurity
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
