-- The server's clock, and how long it takes to ask for it.
select pg_catalog.clock_timestamp() as now
