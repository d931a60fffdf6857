-- How often each table of these schemas ($1, an array of names) was read from end to end, and how many rows that took; a partitioned
-- table with all its partitions.
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
        coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(leaf.oid)), 0)::bigint as size
    from pg_catalog.pg_class leaf
    join pg_catalog.pg_stat_all_tables s on s.relid = leaf.oid
    where leaf.relkind in ('r', 'm')
      and (
        leaf.oid = t.oid
        or (t.relkind = 'p' and leaf.oid in (select p.relid from pg_catalog.pg_partition_tree(t.oid) p))
      )
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
