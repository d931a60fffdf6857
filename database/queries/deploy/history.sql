-- The newest deploys, the newest last. One that counts as running, while nobody holds the lock, was killed.
-- $1: how many at most, $2: whether somebody has the lock of deploys
select *
from (
    select
        d.id,
        case
            when d.outcome = 'running' and not pg_catalog.pg_is_in_recovery() and not $2 then 'lost'
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
