-- The relation that runs of a kind lock, and whether there is a place for the hash of the schema; none before version 6 of the
-- bookkeeping, and no place before version 7.
-- $1: its name
select
    c.oid::bigint as oid,
    exists (
        select
        from pg_catalog.pg_class h
        where h.relnamespace = n.oid
          and h.relname = 'schema_hash'
    ) as hashes
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'toysoldiers'
  and c.relname = $1
