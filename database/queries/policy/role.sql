-- The roles there are, and what one of them has of each.
-- $1: the one
select
    r.rolname::text as name,
    r.rolsuper or r.rolbypassrls as bypasses,
    coalesce(pg_catalog.pg_has_role(a.oid, r.oid, 'usage'), false) as had
from pg_catalog.pg_roles r
left join pg_catalog.pg_roles a on a.rolname = $1
where r.rolname !~ '^pg_'
order by 1
