-- Foreign keys of tables in these schemas ($1, an array of names) that no index helps: valid, btree or hash, its first columns those of
-- the key in any order, on all rows or on all but those where one of them is null. With how much there is to read each time a
-- row goes on the other side, and an index that begins with the columns and is still no help.
select
    pg_catalog.quote_ident(k.conname) as name,
    n.nspname::text as schema,
    t.relname::text as table,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as on_table,
    keys.names as columns,
    pg_catalog.format('%I.%I', fn.nspname, f.relname) as refers_to,
    tree.rows,
    tree.size,
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
        coalesce(pg_catalog.sum(pg_catalog.pg_relation_size(leaf.oid)), 0)::bigint as size
    from pg_catalog.pg_class leaf
    where leaf.relkind = 'r'
      and (leaf.oid = t.oid or leaf.oid in (select p.relid from pg_catalog.pg_partition_tree(t.oid) p))
) tree
where k.contype = 'f'
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
        or pg_catalog.pg_get_expr(i.indpred, i.indrelid) in (keys.present, '(' || keys.present || ')')
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
