-- When the server was started.
select pg_catalog.pg_postmaster_start_time() as started_at
