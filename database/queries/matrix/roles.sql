-- Every role of the server, and whether policies bind it.
select
    r.rolname::text as name,
    not (r.rolsuper or r.rolbypassrls) as bound
from pg_catalog.pg_roles r
order by 1
