-- What Diesel applied; its times are of no zone, and taken to be of the session's.
select
    version::text as version,
    run_on::timestamptz as applied_at,
    null::text as applied_by,
    true as done,
    null::text as checksum,
    'SQL' as kind
from public.__diesel_schema_migrations
order by version
