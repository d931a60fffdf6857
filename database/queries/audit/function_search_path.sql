-- A function looks names up where its caller says. Called with another search_path it fails, or works on another table of the
-- same name.
-- $1 names the schemas to look at.
-- level: warning
-- remedy: set a search_path on the function, or give it a body that is parsed when it is created
-- splinter: 0011
select
    p.oid::regprocedure::text as object,
    'it has no search_path of its own' as detail,
    null as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where p.prokind in ('f', 'p', 'w')
  and not p.prosecdef
  and p.prosqlbody is null
  and p.prolang in (select oid from pg_language where lanname not in ('c', 'internal'))
  and not exists (
    select
    from unnest(p.proconfig) setting
    where setting like 'search_path=%'
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
