-- The partitions of a table, one level below it, and the index of each that belongs to the index of the table.
-- $1: schema, $2: name of the table, $3: name of the index of the table, which is in the same schema
select
    n.nspname::text as schema,
    c.relname::text as name,
    c.relkind = 'p' as partitioned,
    c.relkind = 'f' as elsewhere,
    part.name as part,
    coalesce(part.valid, false) as valid
from pg_catalog.pg_inherits h
join pg_catalog.pg_class c on c.oid = h.inhrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = h.inhparent
join pg_catalog.pg_namespace own on own.oid = t.relnamespace
left join lateral (
    select
        child.relname::text as name,
        i.indisvalid as valid
    from pg_catalog.pg_inherits below
    join pg_catalog.pg_index i on i.indexrelid = below.inhrelid
    join pg_catalog.pg_class child on child.oid = below.inhrelid
    join pg_catalog.pg_class parent on parent.oid = below.inhparent
    where i.indrelid = c.oid
      and parent.relnamespace = t.relnamespace
      and parent.relname = $3
) part on true
where own.nspname = $1
  and t.relname = $2
  and not h.inhdetachpending
order by n.nspname, c.relname
