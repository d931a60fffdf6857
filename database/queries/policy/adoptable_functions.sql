-- Functions in schemas of the platform's ($1, an array) that are no extension's and on which rights were given or taken: a row a
-- right that is not the owner's, or one without a right. What is granted to nobody in particular is everybody's and needs no file.
select
    p.oid::pg_catalog.regprocedure::text as name,
    n.nspname::text as schema,
    case when x.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(x.grantee)::text end as grantee,
    pg_catalog.lower(x.privilege_type) as privilege,
    coalesce(x.is_grantable, false) as grantable
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join lateral pg_catalog.aclexplode(p.proacl) x on x.grantee <> p.proowner
where $1::jsonb ? n.nspname::text
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and p.proacl is not null
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      and e.objid = p.oid
      and e.deptype = 'e'
  )
order by n.nspname, p.proname, p.oid, 3, 4
