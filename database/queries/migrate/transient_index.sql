-- Indexes that a REINDEX CONCURRENTLY left behind that did not come to its end.
-- $1: number of the index or of the table that is rebuilt, or null
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid
  and c.relname ~ '_cc(new|old)[0-9]*$'
  and i.indrelid in (
        select coalesce(own.indrelid, named.oid)
        from pg_catalog.pg_class named
        left join pg_catalog.pg_index own on own.indexrelid = named.oid
        where named.oid = $1::bigint::oid
      )
order by c.oid
