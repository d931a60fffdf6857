-- What the Supabase CLI applied.
select
    version::text as version,
    null::timestamptz as applied_at,
    null::text as applied_by,
    true as done,
    null::text as checksum,
    'SQL' as kind
from supabase_migrations.schema_migrations
order by version
