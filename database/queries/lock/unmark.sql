-- Gives the mark back.
-- $1: its key
select pg_catalog.pg_advisory_unlock($1) as done
