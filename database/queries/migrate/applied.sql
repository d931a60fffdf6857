-- The same of a database that remembers only what was applied: an attempt each, the newest last.
-- $1: how many at most, $2: number of the only migration that is asked for, or null, $3: its description, or null
select *
from (
    select
        row_number() over (order by h.applied_at, h.version) as id,
        h.version,
        h.name::text as name,
        'up' as action,
        'done' as outcome,
        h.applied_at - h.duration_ms * interval '1 millisecond' as started_at,
        h.duration_ms,
        nullif(h.actor, '') as actor,
        h.applied_by as role,
        host(h.client) as client,
        nullif(h.tool_version, '') as tool_version,
        null::integer as statements,
        h.checksum::text as checksum,
        null as sqlstate,
        null as message,
        count(*) over () as total
    from toysoldiers.history h
    where ($2::bigint is null or h.version = $2)
      and ($3::text is null or h.name = $3)
    order by h.applied_at desc, h.version desc
    limit $1
) newest
order by id
