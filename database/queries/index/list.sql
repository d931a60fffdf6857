-- Every index of the platform's schemas, or of one table: how large it is, how often it was used since the statistics were
-- last reset, whether it can be used, and what it is. Those of partitioned tables come to what their parts come to.
-- $1 and $2 are the schema and the name of the table, or null for all.
select
    n.nspname::text as schema,
    t.relname::text as table,
    c.relname::text as name,
    am.amname::text as method,
    i.indisunique as unique,
    i.indisprimary as primary,
    k.conname::text as constraint,
    parent.relname::text as part_of,
    i.indisvalid as valid,
    building.pid,
    case
        when c.relkind = 'I' then (
            select pg_catalog.sum(pg_catalog.pg_table_size(part.relid))::bigint
            from pg_catalog.pg_partition_tree(c.oid) part
        )
        else pg_catalog.pg_table_size(c.oid)
    end as size,
    used.scans,
    used.last_used,
    pg_catalog.pg_get_indexdef(c.oid) as definition
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_am am on am.oid = c.relam
left join pg_catalog.pg_inherits h on h.inhrelid = c.oid
left join pg_catalog.pg_class parent on parent.oid = h.inhparent
left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
-- Before PostgreSQL 16 nobody knows when, and then the name is that of this one.
cross join (select null::timestamptz as last_idx_scan) older
cross join lateral (
    select
        coalesce(pg_catalog.sum(s.idx_scan), 0)::bigint as scans,
        pg_catalog.max(s.last_idx_scan) as last_used
    from (
        select
            pg_stat_all_indexes.idx_scan,
            last_idx_scan
        from pg_catalog.pg_partition_tree(c.oid) part
        join pg_catalog.pg_stat_all_indexes on pg_stat_all_indexes.indexrelid = part.relid
    ) s
) used
left join lateral (
    select p.pid
    from pg_catalog.pg_stat_progress_create_index p
    where p.index_relid = c.oid
      and p.datname = pg_catalog.current_database()
    limit 1
) building on not i.indisvalid
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and t.relkind in ('r', 'p', 'm')
  and ($1::text is null or (n.nspname = $1 and t.relname = $2::text))
order by 1, 2, 3
