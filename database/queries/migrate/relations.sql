-- Tables that people made, the file that each one's rows are in, and the strongest lock this transaction holds on it. Of a
-- table that was dropped only the lock is left.
select
    coalesce(t.id, held.id) as id,
    t.schema,
    t.name,
    t.file,
    held.strength
from (
    select
        c.oid::bigint as id,
        n.nspname::text as schema,
        c.relname::text as name,
        pg_catalog.pg_relation_filenode(c.oid)::bigint as file
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm')
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'toysoldiers')
) t
full join (
    select
        l.relation::bigint as id,
        max(
            case l.mode
                when 'RowShareLock' then 2
                when 'RowExclusiveLock' then 3
                when 'ShareUpdateExclusiveLock' then 4
                when 'ShareLock' then 5
                when 'ShareRowExclusiveLock' then 6
                when 'ExclusiveLock' then 7
                when 'AccessExclusiveLock' then 8
                else 1
            end
        ) as strength
    from pg_catalog.pg_locks l
    join pg_catalog.pg_database b on b.oid = l.database and b.datname = pg_catalog.current_database()
    where l.locktype = 'relation'
      and l.granted
      and l.pid = pg_catalog.pg_backend_pid()
    group by l.relation
) held on held.id = t.id
