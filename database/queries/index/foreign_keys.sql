-- Foreign keys of tables in these schemas ($1, an array of names) that no index helps: valid, btree or hash, its first columns those of
-- the key in any order, on all rows or on all but those where one of them is null. With how much there is to read each time a
-- row goes on the other side, and an index that begins with the columns and is still no help.
-- What somebody has locked for himself alone is not waited for: its size is what PostgreSQL counted last.
-- Tables of roles that are not ours, and locked, are left out: what is on them cannot be read without waiting for them.
with recursive locked as materialized :locked,
closed as materialized (
    select c.oid
    from locked
    join pg_catalog.pg_class c on c.oid = locked.relation
    where c.relowner in :strangers
),
tree as (
    select
        c.oid as root,
        c.oid as relid
    from pg_catalog.pg_class c
    where c.relkind in ('r', 'p')
    union all
    select
        tree.root,
        h.inhrelid
    from tree
    join pg_catalog.pg_inherits h on h.inhparent = tree.relid
    join pg_catalog.pg_class c on c.oid = h.inhrelid and c.relispartition
)
select
    pg_catalog.quote_ident(k.conname) as name,
    n.nspname::text as schema,
    t.relname::text as table,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as on_table,
    keys.names as columns,
    pg_catalog.format('%I.%I', fn.nspname, f.relname) as refers_to,
    total.rows,
    total.size,
    (
        select pg_catalog.format(
            '%I %s',
            ic.relname,
            case when i.indisvalid then 'leaves out rows' else 'is not valid' end
        )
        from pg_catalog.pg_index i
        join pg_catalog.pg_class ic on ic.oid = i.indexrelid
        where i.indrelid = t.oid
          and i.indnkeyatts >= pg_catalog.cardinality(k.conkey)
          and keys.numbers = array(
            select number
            from pg_catalog.unnest((i.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1]) number
            order by 1
          )
          and (i.indpred is not null or not i.indisvalid)
        order by i.indisvalid desc, ic.relname
        limit 1
    ) as unhelpful
from pg_catalog.pg_constraint k
join pg_catalog.pg_class t on t.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_class f on f.oid = k.confrelid
join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
cross join lateral (
    select
        array(select number from pg_catalog.unnest(k.conkey) number order by 1) as numbers,
        pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) order by key.place) as names,
        pg_catalog.string_agg(pg_catalog.format('(%I IS NOT NULL)', a.attname), ' AND ' order by key.place) as present
    from pg_catalog.unnest(k.conkey) with ordinality key (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = key.number
) keys
cross join lateral (
    select
        coalesce(pg_catalog.sum(greatest(leaf.reltuples, 0)), 0)::bigint as rows,
        coalesce(pg_catalog.sum(
            case
                when leaf.oid in (select locked.relation from locked) or (leaf.tableoid, leaf.oid) in :unreadable
                    then leaf.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                else pg_catalog.pg_relation_size(leaf.oid)
            end
        ), 0)::bigint as size
    from tree
    join pg_catalog.pg_class leaf on leaf.oid = tree.relid and leaf.relkind = 'r'
    where tree.root = t.oid
) total
where k.contype = 'f'
  and t.oid not in (select closed.oid from closed)
  and k.conparentid = 0
  and not exists (
    select
    from pg_catalog.pg_index i
    join pg_catalog.pg_class ic on ic.oid = i.indexrelid
    join pg_catalog.pg_am am on am.oid = ic.relam
    where i.indrelid = t.oid
      and i.indisvalid
      and am.amname in ('btree', 'hash')
      and i.indnkeyatts >= pg_catalog.cardinality(k.conkey)
      and (
        i.indpred is null
        or case when t.oid not in (select closed.oid from closed) and (ic.tableoid, ic.oid) not in :unreadable then pg_catalog.pg_get_expr(i.indpred, i.indrelid) end in (keys.present, '(' || keys.present || ')')
      )
      and keys.numbers = array(
        select number
        from pg_catalog.unnest((i.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1]) number
        order by 1
      )
  )
  and n.nspname in (select pg_catalog.jsonb_array_elements_text($1))
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::regclass
      and e.objid = t.oid
      and e.deptype = 'e'
  )
order by n.nspname, t.relname, k.conname
