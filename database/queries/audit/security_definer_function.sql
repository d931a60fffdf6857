-- A function runs with the rights of its owner and may be called by anybody: policies and grants do not bind what it does, only
-- what is written in it.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: revoke execute, or make it security invoker; waive it where it is a door that was built on purpose
-- splinter: 0028, 0029
select
    p.oid::regprocedure::text as object,
    format('%s may call it, and it runs as %s', low.names, pg_get_userbyid(p.proowner)) as detail,
    format('revoke execute on %s %s from %s', case p.prokind when 'p' then 'procedure' else 'function' end, p.oid::regprocedure, low.names) as fix,
    null as relation
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_function_privilege(role, p.oid, 'execute')
) low
where p.prosecdef
  and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_proc'::regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by 1
