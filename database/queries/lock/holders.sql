-- Who keeps a run out: whoever holds the lock of runs of this kind, and whoever still works for one.
--
-- The lock is on a relation of our own. A session that works for a run bears a mark besides, an advisory lock, so that
-- what a killed program left running on the server is seen; programs that know no relation yet have the mark alone.
-- Anybody may take an advisory lock. A mark counts only if its role can run anything here, and others must not be able to
-- stop those who can: it may take the lock, or write the history where there is no relation yet, or make our schema.
-- $1: name of the relation, $2: key of the mark of programs that know no relation, $3: the least of the keys of the
-- marks of those that do: their upper half says for what, $4: process id of our own session that holds locks, 0 if there is none
select
    l.pid,
    coalesce(a.usename::text, '?') as role,
    coalesce(nullif(a.application_name, ''), 'unnamed') as application,
    case
        when a.client_addr is null then 'from this machine'
        else 'from ' || pg_catalog.host(a.client_addr)
    end as client,
    coalesce(extract(epoch from pg_catalog.clock_timestamp() - a.backend_start), 0)::bigint as seconds,
    case
        when a.query is null or a.query = '' then '(not shown to this role)'
        when a.query ilike '%password%' then '(speaks of a password)'
        when pg_catalog.length(a.query) > 80
            then pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 80) || '...'
        else pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g')
    end as query
from pg_catalog.pg_locks l
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
left join pg_catalog.pg_namespace n on n.nspname = 'toysoldiers'
left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $1
left join pg_catalog.pg_class h on h.relnamespace = n.oid and h.relname = 'history'
where l.granted
  and l.pid <> pg_catalog.pg_backend_pid()
  and l.pid <> $4
  and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
  and (
    (l.locktype = 'relation' and l.relation = c.oid and l.mode in (
        'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
    ))
    or (
        l.locktype = 'advisory'
        and l.mode = 'ExclusiveLock'
        and l.objsubid = 1
        and (
            (l.classid = (($2 >> 32) & 4294967295)::oid and l.objid = ($2 & 4294967295)::oid)
            or l.classid = (($3 >> 32) & 4294967295)::oid
        )
        and case
            when c.oid is not null then pg_catalog.has_table_privilege(a.usesysid, c.oid, 'update')
            when h.oid is not null then pg_catalog.has_table_privilege(a.usesysid, h.oid, 'insert')
            else pg_catalog.has_database_privilege(a.usesysid, l.database, 'create')
        end
    )
  )
-- Whoever works tells more than the session that only holds the lock.
order by l.locktype, l.pid
