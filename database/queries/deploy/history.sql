-- The newest deploys, the newest last. One that counts as running, while nobody holds the lock, was killed.
-- $1: how many at most, $2: key of the lock of deploys
select *
from (
    select
        d.id,
        case
            when d.outcome = 'running' and not pg_catalog.pg_is_in_recovery() and not exists (
                select
                from pg_catalog.pg_locks l
                where l.locktype = 'advisory'
                  and l.granted
                  and l.objsubid = 1
                  and l.database = (
                    select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()
                )
                  and l.classid = (($2 >> 32) & 4294967295)::oid
                  and l.objid = ($2 & 4294967295)::oid
            ) then 'lost'
            else d.outcome
        end as outcome,
        d.started_at,
        d.finished_at,
        d.duration_ms,
        d.actor,
        d.role,
        host(d.client) as client,
        d.tool_version,
        d.revision,
        d.dirty,
        d.stages,
        d.message,
        count(*) over () as total
    from toysoldiers.deploys d
    order by d.id desc
    limit $1
) newest
order by id
