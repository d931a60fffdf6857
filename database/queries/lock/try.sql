-- Takes the lock if it is free; never waits.
-- $1: key of the lock
select pg_catalog.pg_try_advisory_lock($1) as acquired
