-- Tables that people made and this transaction has locked: how strongly, and the file that each one's rows are in. Of a
-- table that was dropped only the lock is left.
select
    l.relation::bigint as id,
    n.nspname::text as schema,
    c.relname::text as name,
    pg_catalog.pg_relation_filenode(c.oid)::bigint as file,
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
left join pg_catalog.pg_class c on c.oid = l.relation
left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where l.locktype = 'relation'
  and l.granted
  and l.pid = pg_catalog.pg_backend_pid()
  -- PostgreSQL's own come first.
  and l.relation >= 16384
  and (
    c.oid is null
    or (
        c.relkind in ('r', 'p', 'm')
        and c.relpersistence <> 't'
        and n.nspname !~ '^pg_'
        and n.nspname not in ('information_schema', 'toysoldiers')
    )
  )
group by l.relation, n.nspname, c.relname, c.oid
