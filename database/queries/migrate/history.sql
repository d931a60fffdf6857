-- The migrations that ran, in order, beside the version of our own schema; one row without a migration if none ran.
select
    i.version as bookkeeping,
    h.version,
    h.name::text as name,
    h.applied_on::text as applied_on,
    h.checksum::text as checksum,
    h.applied_at,
    h.applied_by,
    h.actor,
    h.tool_version,
    h.duration_ms
from toysoldiers.installation i
left join toysoldiers.history h on true
order by h.version
