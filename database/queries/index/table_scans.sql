-- How often each table of these schemas ($1, an array of names) was read from end to end, and how many rows that took; a partitioned
-- table with all its partitions.
-- What somebody has locked for himself alone is not waited for: its size is what PostgreSQL counted last.
with recursive locked as materialized :locked,
tree as (
    select
        c.oid as root,
        c.oid as relid
    from pg_catalog.pg_class c
    where c.relkind in ('r', 'm', 'p')
    union all
    select
        tree.root,
        h.inhrelid
    from tree
    join pg_catalog.pg_inherits h on h.inhparent = tree.relid
    join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
)
select
    n.nspname::text as schema,
    t.relname::text as table,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as on_table,
    leaves.scans,
    leaves.rows_read,
    leaves.rows,
    leaves.size
from pg_catalog.pg_class t
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
cross join lateral (
    select
        coalesce(pg_catalog.sum(s.seq_scan), 0)::bigint as scans,
        coalesce(pg_catalog.sum(s.seq_tup_read), 0)::bigint as rows_read,
        coalesce(pg_catalog.sum(greatest(s.n_live_tup, leaf.reltuples::bigint, 0)), 0)::bigint as rows,
        coalesce(pg_catalog.sum(
            case
                when leaf.oid in (select locked.relation from locked) or (leaf.tableoid, leaf.oid) in :unreadable
                    then leaf.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                else pg_catalog.pg_relation_size(leaf.oid)
            end
        ), 0)::bigint as size
    from tree
    join pg_catalog.pg_class leaf on leaf.oid = tree.relid and leaf.relkind in ('r', 'm')
    join pg_catalog.pg_stat_all_tables s on s.relid = leaf.oid
    where tree.root = t.oid
) leaves
where t.relkind in ('r', 'm', 'p')
  and not t.relispartition
  and leaves.scans > 0
  and n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::regclass
      and e.objid = t.oid
      and e.deptype = 'e'
  )
order by leaves.rows_read desc, 1, 2
