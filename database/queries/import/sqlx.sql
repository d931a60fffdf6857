-- What sqlx applied.
select
    version::text as version,
    installed_on as applied_at,
    null::text as applied_by,
    success as done,
    encode(checksum, 'hex') as checksum,
    'SQL' as kind
from public._sqlx_migrations s
order by s.version
