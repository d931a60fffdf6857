-- A function by its number, and the rights on it but for the owner's own, a row a right: a row without one if there is none,
-- no row without the function.
-- $1: the number
select
    p.oid::pg_catalog.regprocedure::text as name,
    n.nspname::text as schema,
    case when x.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(x.grantee)::text end as grantee,
    pg_catalog.lower(x.privilege_type) as privilege,
    coalesce(x.is_grantable, false) as grantable
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x on x.grantee <> p.proowner
where p.oid = $1::bigint::oid
