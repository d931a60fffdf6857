-- Short timeouts that are set for the sessions of a role in a database, and how each is taken away. It is asked before anything is set,
-- so it looks up no name by itself, not even an operator.
-- $1: names of settings, $2: the database, $3: the role, or null if it is not known
select
    entry.line as setting,
    pg_catalog.format(
        case
            when login.rolname is null and here.datname is null then 'alter role all reset %3$I'
            when login.rolname is null then 'alter database %2$I reset %3$I'
            when here.datname is null then 'alter role %1$I reset %3$I'
            else 'alter role %1$I in database %2$I reset %3$I'
        end,
        login.rolname,
        here.datname,
        name.word
    ) as reset
from pg_catalog.pg_db_role_setting as held
left join pg_catalog.pg_database as here on here.oid operator(pg_catalog.=) held.setdatabase
left join pg_catalog.pg_roles as login on login.oid operator(pg_catalog.=) held.setrole
cross join lateral pg_catalog.unnest(held.setconfig) as entry (line)
cross join lateral (select pg_catalog.split_part(entry.line, '=', 1) as word) as name
where
    name.word operator(pg_catalog.=) any ($1::pg_catalog.text[])
    -- Longer ones leave time enough. A number without a unit is one of milliseconds.
    and pg_catalog.regexp_replace(pg_catalog.split_part(entry.line, '=', 2), '^([0-9]+)$', '\1 ms')::pg_catalog.interval
        operator(pg_catalog.<) '5 s'::pg_catalog.interval
    and pg_catalog.split_part(entry.line, '=', 2) operator(pg_catalog.<>) '0'::pg_catalog.text
    and (here.datname is null or here.datname operator(pg_catalog.=) $2::pg_catalog.text::pg_catalog.name)
    and (
        login.rolname is null
        or login.rolname operator(pg_catalog.=) coalesce($3::pg_catalog.text::pg_catalog.name, session_user)
    )
