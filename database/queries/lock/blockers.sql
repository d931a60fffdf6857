-- Whom a session waits for, or a program, whose sessions have a name of their own, or who is in a database. What a session asks is cut short, and
-- left out where it speaks of a password. A prepared transaction has no session, and keeps its locks until somebody ends it.
-- $1: process id of the session that waits, or null, $2: name of the program's sessions, or null, $3: name of the database, or null
select
    a.pid,
    coalesce(a.usename::text, '?') as role,
    coalesce(nullif(a.application_name, ''), 'unnamed') as application,
    coalesce(a.state, 'at work') as state,
    coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::bigint as seconds,
    case
        when a.query is null or a.query = '' then '(not shown to this role)'
        when a.query ilike '%password%' then '(speaks of a password)'
        when length(a.query) > 80 then left(regexp_replace(a.query, '\s+', ' ', 'g'), 80) || '...'
        else regexp_replace(a.query, '\s+', ' ', 'g')
    end as query,
    null::text as prepared
from pg_catalog.pg_stat_activity a
where a.pid in (
    select unnest(pg_catalog.pg_blocking_pids(w.pid))
    from pg_catalog.pg_stat_activity w
    where w.pid = $1 or w.application_name = $2
)
or a.datname = $3
union all
select
    0,
    x.owner::text,
    '',
    '',
    coalesce(extract(epoch from clock_timestamp() - x.prepared), 0)::bigint,
    '',
    x.gid
from pg_catalog.pg_prepared_xacts x
where exists (
    select
    from pg_catalog.pg_stat_activity w
    join pg_catalog.pg_locks wanted on wanted.pid = w.pid and not wanted.granted
    join pg_catalog.pg_locks own on own.pid is null
        and own.locktype = 'transactionid'
        and own.transactionid = x.transaction
    join pg_catalog.pg_locks held on held.pid is null
        and held.virtualtransaction = own.virtualtransaction
        and held.locktype = wanted.locktype
        and held.database is not distinct from wanted.database
        and held.relation is not distinct from wanted.relation
        and held.transactionid is not distinct from wanted.transactionid
        and (held.classid, held.objid, held.objsubid) is not distinct from (wanted.classid, wanted.objid, wanted.objsubid)
    where (w.pid = $1 or w.application_name = $2)
      and 0 = any (pg_catalog.pg_blocking_pids(w.pid))
)
order by seconds desc, pid
