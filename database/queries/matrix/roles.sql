-- Every role of the server.
select
    r.rolname::text as name
from pg_catalog.pg_roles r
order by 1
