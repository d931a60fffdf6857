-- What refinery applied.
select
    r.version::text as version,
    r.applied_on::timestamptz as applied_at,
    null::text as applied_by,
    true as done,
    r.checksum::text as checksum,
    'SQL' as kind
from public.refinery_schema_history r
order by r.version
