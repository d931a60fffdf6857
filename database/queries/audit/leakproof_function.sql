-- A function is declared leakproof, so PostgreSQL asks it before policies and barriers. If it fails, or says anything about its
-- arguments, hidden rows show.
-- $1 names the schemas to look at.
-- level: warning
-- remedy: alter the function to be not leakproof, unless it is proved that it neither fails nor tells
select
    p.oid::regprocedure::text as object,
    'it is asked before policies are' as detail,
    format('alter function %s not leakproof', p.oid::regprocedure) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where p.proleakproof
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_proc'::regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by 1
