-- What Flyway did, in order; its times are of no zone, and taken to be of the session's.
select
    version::text as version,
    installed_on::timestamptz as applied_at,
    installed_by::text as applied_by,
    success as done,
    checksum::text as checksum,
    type::text as kind
from public.flyway_schema_history
order by installed_rank
