-- Every policy on tables of these schemas, by schema, table and name, and whether its check can ever refuse anything of these
-- roles: somebody whom the policy is for may insert, or may change a column the policy looks at.
-- $1: names of schemas, as a JSON array
-- $2: names of roles, as a JSON array
select
    n.nspname::text as schema,
    c.relname::text as table,
    p.polname::text as name,
    exists (
        select
        from pg_catalog.pg_roles r
        where r.rolname in (select pg_catalog.jsonb_array_elements_text($2))
          and (
              p.polroles = '{0}'
              or exists (
                  select
                  from pg_catalog.unnest(p.polroles) named
                  where pg_catalog.pg_has_role(r.oid, named, 'usage')
              )
          )
          and (
              p.polcmd in ('a', '*') and pg_catalog.has_any_column_privilege(r.oid, c.oid, 'insert')
              or p.polcmd in ('w', '*') and exists (
                  select
                  from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
                    and d.objid = p.oid
                    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and d.refobjid = c.oid
                    and d.refobjsubid > 0
                    and pg_catalog.has_column_privilege(r.oid, c.oid, d.refobjsubid::int2, 'update')
              )
          )
    ) as checks
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity
  and n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
order by 1, 2, 3
