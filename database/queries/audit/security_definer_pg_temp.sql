-- The search_path of a function that runs with the rights of its owner does not say where temporary things come, so they come
-- first: a caller's temporary table or type takes the place of the real one.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: name pg_temp as the last schema of the function's search_path
select
    p.oid::regprocedure::text as object,
    format('its search_path is %s', path.setting) as detail,
    format('alter %s %s set search_path = %s, pg_temp', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure, path.setting) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
cross join lateral (
    select substr(setting, 13) as setting
    from unnest(p.proconfig) setting
    where setting like 'search_path=%'
) path
where p.prosecdef
  and p.prosqlbody is null
  and btrim(path.setting, '" ') <> ''
  and path.setting !~ '(^|,)\s*"?pg_temp"?\s*$'
  and exists (
    select
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_function_privilege(role, p.oid, 'execute')
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
