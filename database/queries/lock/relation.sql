-- The relation that runs of a kind lock; none before version 6 of the bookkeeping.
-- $1: its name
select c.oid::bigint as oid
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'toysoldiers'
  and c.relname = $1
