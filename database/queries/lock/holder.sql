-- Who holds the lock: a 64-bit key stands in pg_locks as two halves.
-- $1: key of the lock
select
    l.pid,
    coalesce(a.usename::text, '?') as role,
    coalesce(nullif(a.application_name, ''), 'unnamed') as application,
    case
        when a.client_addr is null then 'from this machine'
        else 'from ' || host(a.client_addr)
    end as client,
    coalesce(extract(epoch from clock_timestamp() - a.backend_start), 0)::bigint as seconds
from pg_catalog.pg_locks l
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory'
  and l.granted
  and l.objsubid = 1
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and l.classid = (($1 >> 32) & 4294967295)::oid
  and l.objid = ($1 & 4294967295)::oid
