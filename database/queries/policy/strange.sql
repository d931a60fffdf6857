-- Policies of roles that are no more trusted than whoever is let in, that use functions, operators or types of such roles: to make
-- one again is to run their code, since constants are read by the checks of their type. database/blocks/detach_policies.sql asks
-- the same.
with stranger as :strangers
select
    n.nspname::text as schema,
    c.relname::text as "table",
    p.polname::text as name,
    pg_catalog.pg_get_userbyid(c.relowner)::text as owner
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relowner in (select oid from stranger)
  and exists (
    select
    from pg_catalog.pg_depend need
    left join pg_catalog.pg_proc f on need.refclassid = 'pg_catalog.pg_proc'::regclass and f.oid = need.refobjid
    left join pg_catalog.pg_operator o on need.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = need.refobjid
    left join pg_catalog.pg_type t on need.refclassid = 'pg_catalog.pg_type'::regclass and t.oid = need.refobjid
    where need.classid = 'pg_catalog.pg_policy'::regclass
      and need.objid = p.oid
      and coalesce(f.proowner, o.oprowner, t.typowner) in (select oid from stranger)
  )
order by 1, 2, 3
