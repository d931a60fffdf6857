-- The newest attempts at migrations, the newest last.
-- $1: how many at most, $2: number of the only migration that is asked for, or null, $3: its description, or null
select *
from (
    select
        r.id,
        r.version,
        r.name,
        r.action,
        r.outcome,
        r.started_at,
        r.duration_ms,
        nullif(r.actor, '') as actor,
        r.role,
        host(r.client) as client,
        nullif(r.tool_version, '') as tool_version,
        r.statements,
        r.checksum,
        r.sqlstate,
        r.message,
        count(*) over () as total
    from toysoldiers.runs r
    where ($2::bigint is null or r.version = $2)
      and ($3::text is null or r.name = $3)
    order by r.id desc
    limit $1
) newest
order by id
