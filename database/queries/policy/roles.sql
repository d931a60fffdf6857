-- Roles, whether policies mean nothing to them, and whose rights each has by inheritance, its own among them.
select
    r.rolname::text as name,
    r.rolsuper or r.rolbypassrls as exempt,
    array(
        select b.rolname::text
        from pg_catalog.pg_roles b
        where not r.rolsuper
          and pg_catalog.pg_has_role(r.oid, b.oid, 'usage')
    ) as uses
from pg_catalog.pg_roles r
where r.rolname !~ '^pg_'
order by 1
