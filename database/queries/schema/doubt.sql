-- The schema is too large to be hashed, or somebody has seen to it that it is: nothing is known of it until that changes, and somebody
-- looks into it.
-- $1: name of the relation the run locks, $2: whether the run begins
update toysoldiers.schema_hash f
set
    doubt = coalesce(f.doubt, 'changed'),
    doubt_since = coalesce(f.doubt_since, f.taken_at),
    unfinished = case
        when $2 then pg_catalog.array_append(pg_catalog.array_remove(f.unfinished, $1), $1)
        else pg_catalog.array_remove(f.unfinished, $1)
    end,
    unfinished_since = case
        when $2 then coalesce(f.unfinished_since, pg_catalog.clock_timestamp())
        when pg_catalog.array_remove(f.unfinished, $1) <> '{}' then f.unfinished_since
    end
returning f.doubt
