-- PostgreSQL lets everybody call a new function. Nobody decided that for this one, and what it is made to do later, everybody
-- may do.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: revoke execute from public in the migration that creates it, and grant it to those who need it
select
    p.oid::regprocedure::text as object,
    'public may call it' as detail,
    format('revoke execute on %s %s from public', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where p.prokind in ('f', 'p', 'w')
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and has_function_privilege('public', p.oid, 'execute')
  and exists (
    select
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_proc'::regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by 1
