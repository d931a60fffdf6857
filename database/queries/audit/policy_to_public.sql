-- A policy that lets in is for everybody, also for roles that are made later and were never thought of.
-- $1 names the schemas whose policies to look at.
-- level: warning
-- remedy: name the roles: `to anon, authenticated`
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as object,
    'it is for public' as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where p.polpermissive
  and p.polroles = array[0::oid]
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
