-- Which of the server's processes answers this time.
select pg_catalog.pg_backend_pid() as process
