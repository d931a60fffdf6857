(
    select coalesce(pg_catalog.array_agg(distinct c.relname::text), '{}')
    from pg_catalog.pg_locks l
    join pg_catalog.pg_class c on c.oid = l.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where l.locktype = 'relation'
      and l.mode = 'ShareUpdateExclusiveLock'
      and l.granted
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
      and n.nspname = 'toysoldiers'
      and c.relname in ('runner', 'index_runner')
)
