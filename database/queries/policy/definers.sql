-- Functions of the platform's schemas that a role may call and that run with the rights of their owner, so that the
-- caller's policies do not bind them.
-- $1: the role
select
    n.nspname::text as schema,
    p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')' as name,
    pg_catalog.pg_get_userbyid(p.proowner)::text as owner
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_roles r on r.rolname = $1
where p.prosecdef
  and p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
  and pg_catalog.has_function_privilege(r.oid, p.oid, 'execute')
order by 1, 2
