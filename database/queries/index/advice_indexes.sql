-- Every index of these schemas ($1, an array of names), with all that advice about it stands on. Counters and sizes of an index on a
-- partitioned table are those of its partitions together. A key is told as text that is the same for two keys only if they are:
-- column or expression, operator class, collation, order and the class's own options.
-- What somebody has locked for himself alone is not waited for: its size is what PostgreSQL counted last.
-- Tables of roles that are not ours, and locked, are left out: what is on them cannot be read without waiting for them. So are
-- indexes that are nested too deep, or too large, to be read: index/list names them.
with recursive locked as materialized :locked,
closed as materialized (
    select c.oid
    from locked
    join pg_catalog.pg_class c on c.oid = locked.relation
    where c.relowner in :strangers
),
readable as materialized (
    select *
    from pg_catalog.pg_index
    where ('pg_catalog.pg_class'::pg_catalog.regclass, indexrelid) not in :unreadable
),
tree as (
    select
        c.oid as root,
        c.oid as relid
    from pg_catalog.pg_class c
    where c.relkind in ('i', 'I', 'p')
    union all
    select
        tree.root,
        h.inhrelid
    from tree
    join pg_catalog.pg_inherits h on h.inhparent = tree.relid
    join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
)
select
    x.indexrelid::bigint as oid,
    n.nspname::text as schema,
    t.relname::text as table,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as object,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as on_table,
    c.relname::text as name,
    am.amname::text as method,
    array(
        select pg_catalog.concat_ws(
            ' ',
            case x.indkey[k - 1]
                when 0 then pg_catalog.pg_get_indexdef(x.indexrelid, k, false)
                else x.indkey[k - 1]::text
            end,
            x.indclass[k - 1],
            x.indcollation[k - 1],
            x.indoption[k - 1],
            a.attoptions::text
        )
        from pg_catalog.generate_series(1, x.indnkeyatts) k
        join pg_catalog.pg_attribute a on a.attrelid = x.indexrelid and a.attnum = k
        order by k
    ) as keys,
    array(
        select pg_catalog.pg_get_indexdef(x.indexrelid, k, true)
        from pg_catalog.generate_series(1, x.indnkeyatts) k
        order by k
    ) as columns,
    array(
        select pg_catalog.pg_get_indexdef(x.indexrelid, k, true)
        from pg_catalog.generate_series(x.indnkeyatts + 1, x.indnatts) k
        order by k
    ) as included,
    pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate,
    array(
        select o
        from pg_catalog.unnest(c.reloptions) o
        order by o
    ) as options,
    x.indexprs is not null as has_expression,
    x.indisunique as is_unique,
    x.indisvalid as is_valid,
    x.indisready as is_ready,
    c.relkind = 'I' as is_partitioned,
    c.relpersistence = 'p' as is_permanent,
    -- Somebody else stands on it: a constraint, replication, an order of rows on disk, an index of the partitioned table.
    x.indisexclusion
        or x.indisreplident
        or x.indisclustered
        or exists (select from pg_catalog.pg_constraint k where k.conindid = x.indexrelid) as is_needed,
    exists (select from pg_catalog.pg_inherits h where h.inhrelid = x.indexrelid) as is_attached,
    array(
        select pg_catalog.quote_ident(k.conname)
        from pg_catalog.pg_constraint k
        where k.conrelid = x.indrelid
          and k.contype = 'f'
          and am.amname in ('btree', 'hash')
          and x.indnkeyatts >= pg_catalog.cardinality(k.conkey)
          and array(
            select number
            from pg_catalog.unnest((x.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1]) number
            order by 1
          ) = array(
            select number
            from pg_catalog.unnest(k.conkey) number
            order by 1
          )
        order by 1
    ) as foreign_keys,
    -- Partitions whose index is not attached, or not there.
    array(
        select pg_catalog.format('%I.%I', pn.nspname, p.relname)
        from pg_catalog.pg_inherits h
        join pg_catalog.pg_class p on p.oid = h.inhrelid
        join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
        where c.relkind = 'I'
          and h.inhparent = x.indrelid
          and not exists (
            select
            from pg_catalog.pg_inherits own
            join pg_catalog.pg_index px on px.indexrelid = own.inhrelid
            where own.inhparent = x.indexrelid
              and px.indrelid = p.oid
              and px.indisvalid
          )
        order by 1
    ) as unattached,
    (
        select b.pid
        from pg_catalog.pg_stat_progress_create_index b
        where b.index_relid = x.indexrelid
        limit 1
    ) as builder,
    -- A build of another role hides what it builds, but not that it is there, nor the lock on its table.
    exists (
        select
        from pg_catalog.pg_stat_progress_create_index b
        join pg_catalog.pg_locks l on l.pid = b.pid
        where b.datname = pg_catalog.current_database()
          and b.index_relid is null
          and l.relation = x.indrelid
          and l.mode = 'ShareUpdateExclusiveLock'
          and l.granted
    ) as may_be_built,
    leaves.scans,
    leaves.last_scan,
    leaves.size,
    reads.count as reads
from readable x
join pg_catalog.pg_class c on c.oid = x.indexrelid
join pg_catalog.pg_am am on am.oid = c.relam
join pg_catalog.pg_class t on t.oid = x.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
cross join lateral (
    select
        coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_numscans(leaf.oid)), 0)::bigint as scans,
        -- Only PostgreSQL 16 and later know the time.
        pg_catalog.max((
            select (pg_catalog.to_jsonb(s) ->> 'last_idx_scan')::timestamptz
            from pg_catalog.pg_stat_all_indexes s
            where s.indexrelid = leaf.oid
        )) as last_scan,
        coalesce(pg_catalog.sum(
            case
                when leaf.oid in (select locked.relation from locked)
                    then leaf.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                else pg_catalog.pg_relation_size(leaf.oid)
            end
        ), 0)::bigint as size
    from tree
    join pg_catalog.pg_class leaf on leaf.oid = tree.relid and leaf.relkind = 'i'
    where tree.root = x.indexrelid
) leaves
cross join lateral (
    select coalesce(pg_catalog.sum(coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0)), 0)::bigint as count
    from pg_catalog.pg_stat_all_tables s
    where s.relid = t.oid
       or (t.relkind = 'p' and s.relid in (select tree.relid from tree where tree.root = t.oid))
) reads
where n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
  and t.oid not in (select closed.oid from closed)
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::regclass
      and e.objid = t.oid
      and e.deptype = 'e'
  )
order by n.nspname, t.relname, c.relname
