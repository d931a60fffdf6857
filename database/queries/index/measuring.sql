-- The schema of the extension that measures how full indexes are, if it is there.
select n.nspname::text as schema
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pgstattuple'
