-- The databases of the local server that hold something of ours, with their sizes.
select
    datname::text as name,
    pg_catalog.pg_database_size(oid) as bytes
from pg_catalog.pg_database
where not datistemplate
  and datname <> 'postgres'
order by datname
