-- Whether the schema is as this program left it: a hash of the catalog as it is now, and the one that was taken then. What makes
-- the comparison impossible comes first: another server's numbers, or a hash of another form.
-- $1: whether policies and indexes are wanted one by one
with now as materialized (
    select
        :schema_hash as hash,
        :schema_place as place,
        :schema_runs as runs
)
select
    case
        when f.hash is null then 'unknown'
        when f.place <> now.place then 'elsewhere'
        when f.doubt is not null then f.doubt
        when f.hash = now.hash then 'as_left'
        when f.unfinished && now.runs then 'at_work'
        when f.unfinished <> '{}' then 'interrupted'
        else 'changed'
    end as state,
    case
        when f.doubt is not null then f.doubt_since
        when f.hash <> now.hash and f.unfinished <> '{}' then f.unfinished_since
        else f.taken_at
    end as since,
    f.actor,
    f.taken_at,
    now.hash,
    f.doubt is null and coalesce(f.before, '{}') = '{}' as settled,
    -- What was detached is not there, and that is as it should be.
    case
        when $1 then f.objects - array(
            select pg_catalog.format('policy %I on %I.%I', d.policy, d.table_schema, d.table_name) from toysoldiers.detached d
        )
    end as left_objects,
    case when $1 then :schema_objects end as objects
from toysoldiers.schema_hash f
cross join now
