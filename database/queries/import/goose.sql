-- What goose applied, as the last row of each version says; its times are of no zone, and taken to be of the session's.
select
    g.version_id::text as version,
    g.tstamp::timestamptz as applied_at,
    null::text as applied_by,
    true as done,
    null::text as checksum,
    'SQL' as kind
from (
    select distinct on (version_id) version_id, is_applied, tstamp
    from public.goose_db_version
    order by version_id, id desc
) g
where g.is_applied
  -- The row of version 0 says that the table was made.
  and g.version_id > 0
order by g.version_id
