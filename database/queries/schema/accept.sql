-- The schema was found as declared: nothing is in doubt any more, unless a run began or ended since.
-- $1: the hash of what was looked at, $2: its policies and indexes, $3: when the hash was taken that was there then
update toysoldiers.schema_hash f
set
    hash = $1,
    place = :schema_place,
    objects = $2,
    before = '{}',
    taken_at = pg_catalog.clock_timestamp(),
    actor = pg_catalog.current_setting('toysoldiers.actor', true),
    tool_version = pg_catalog.current_setting('toysoldiers.tool_version', true),
    doubt = null,
    doubt_since = null,
    unfinished = '{}',
    unfinished_since = null
where f.taken_at is not distinct from $3
  and :schema_runs = '{}'
returning f.doubt
