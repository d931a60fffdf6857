-- Whom a session waits for, or a program, whose sessions have a name of their own, or who is in a database. What a session asks is cut short, and
-- left out where it speaks of a password.
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
    end as query
from pg_catalog.pg_stat_activity a
where a.pid in (
    select unnest(pg_catalog.pg_blocking_pids(w.pid))
    from pg_catalog.pg_stat_activity w
    where w.pid = $1 or w.application_name = $2
)
or a.datname = $3
order by a.xact_start nulls last, a.pid
