-- Which database this is: its number changes when it is dropped and made again under the same name.
select
    pg_catalog.current_database()::text as name,
    d.oid::bigint as number
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
