-- Every index of the platform's schemas, or of one table: how large it is, how often it was used since the statistics were
-- last reset, whether it can be used, and what it is. Those of partitioned tables come to what their parts come to.
-- What somebody has locked for himself alone is not waited for: its size is what PostgreSQL counted last,
-- and what it is cannot be read.
-- $1 and $2 are the schema and the name of the table, or null for all.
with recursive locked as materialized :locked,
tree as (
    select
        c.oid as root,
        c.oid as relid
    from pg_catalog.pg_class c
    where c.relkind in ('i', 'I')
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
    c.relname::text as name,
    am.amname::text as method,
    i.indisunique as unique,
    i.indisprimary as primary,
    k.conname::text as constraint,
    parent.relname::text as part_of,
    i.indisvalid as valid,
    building.pid,
    (
        select pg_catalog.sum(
            case
                when leaf.oid in (select locked.relation from locked)
                    then leaf.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                else pg_catalog.pg_table_size(leaf.oid)
            end
        )::bigint
        from tree part
        join pg_catalog.pg_class leaf on leaf.oid = part.relid
        where part.root = c.oid
    ) as size,
    used.scans,
    used.last_used,
    case
        when t.oid in (select locked.relation from locked) then '(locked by another session)'
        when (c.tableoid, c.oid) in :unreadable then '(nested too deep, or too large, to be read)'
        else pg_catalog.pg_get_indexdef(c.oid)
    end as definition
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
        from tree part
        join pg_catalog.pg_stat_all_indexes on pg_stat_all_indexes.indexrelid = part.relid
        where part.root = c.oid
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
