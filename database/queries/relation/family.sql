-- A table and whatever inherits from it, its partitions that is, down to the last.
-- $1: its schema, $2: its name
with recursive family as (
    select c.oid
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1
      and c.relname = $2
    union
    select i.inhrelid
    from family f
    join pg_catalog.pg_inherits i on i.inhparent = f.oid
)
select
    n.nspname::text as schema,
    c.relname::text as name
from family f
join pg_catalog.pg_class c on c.oid = f.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by 1, 2
