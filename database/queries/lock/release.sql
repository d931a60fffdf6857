-- Gives the lock back.
-- $1: key of the lock
select pg_catalog.pg_advisory_unlock($1) as acquired
