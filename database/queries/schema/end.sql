-- A run is at its end: this is how the schema is left. What was in doubt before it began stays in doubt.
-- $1: name of the relation it locks
with now as materialized (
    select
        :schema_hash as hash,
        :schema_place as place,
        :schema_objects as objects
)
update toysoldiers.schema_hash f
set
    hash = now.hash,
    place = now.place,
    objects = case
        when f.doubt is null then (
            select coalesce(pg_catalog.jsonb_object_agg(o.name, o.hash), '{}')
            from pg_catalog.jsonb_each(now.objects) o (name, hash)
            left join pg_catalog.jsonb_each(f.before) b (name, hash) on b.name = o.name
            where b.hash is distinct from o.hash
        )
        else f.objects
    end,
    taken_at = pg_catalog.clock_timestamp(),
    actor = pg_catalog.current_setting('toysoldiers.actor', true),
    tool_version = pg_catalog.current_setting('toysoldiers.tool_version', true),
    unfinished = pg_catalog.array_remove(f.unfinished, $1),
    unfinished_since = case when pg_catalog.array_remove(f.unfinished, $1) <> '{}' then f.unfinished_since end
from now
returning f.doubt
