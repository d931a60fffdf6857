-- Takes a mark that says for what this session works, if it is free; never waits.
-- $1: its key
select pg_catalog.pg_try_advisory_lock($1) as done
