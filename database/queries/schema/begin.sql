-- A run is about to change something: whatever is not as this program left it is remembered until somebody looks into it, and
-- so is the run. What a run that was killed has left cannot be told from what others did, and while another run is at work
-- nothing is compared.
-- $1: name of the relation it locks
with now as materialized (
    select
        :schema_hash as hash,
        :schema_place as place,
        :schema_runs as runs
)
update toysoldiers.schema_hash f
set
    before = coalesce(f.before, found.before),
    doubt = coalesce(f.doubt, found.doubt),
    doubt_since = case when coalesce(f.doubt, found.doubt) is not null then coalesce(f.doubt_since, found.since) end,
    unfinished = pg_catalog.array_append(found.others, $1),
    unfinished_since = case when found.others = '{}' then pg_catalog.clock_timestamp() else f.unfinished_since end
from (
    select
        was.singleton,
        case when was.hash is null then :schema_objects end as before,
        others.names as others,
        verdict.doubt,
        case verdict.doubt when 'interrupted' then was.unfinished_since else was.taken_at end as since
    from toysoldiers.schema_hash was
    cross join now
    cross join lateral (
        select coalesce(pg_catalog.array_agg(u.name), '{}') as names
        from pg_catalog.unnest(was.unfinished) u (name)
        where u.name <> $1
          and u.name = any (now.runs)
    ) others
    cross join lateral (
        select
            case
                when was.hash is null then null
                when was.place <> now.place then 'elsewhere'
                when was.hash = now.hash or others.names <> '{}' then null
                when was.unfinished <> '{}' then 'interrupted'
                else 'changed'
            end as doubt
    ) verdict
) found
where found.singleton = f.singleton
returning f.doubt
