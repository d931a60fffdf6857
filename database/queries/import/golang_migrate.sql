-- Where golang-migrate stands: the last version it applied, if any, and whether that failed halfway.
select
    version::text as version,
    null::timestamptz as applied_at,
    null::text as applied_by,
    not dirty as done,
    null::text as checksum,
    'SQL' as kind
from public.schema_migrations
