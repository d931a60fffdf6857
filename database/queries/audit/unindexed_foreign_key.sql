-- No index begins with the columns of a foreign key: each row deleted or renamed on the other side reads this whole table, under
-- a lock. A partial index does not count, unless it leaves out nothing but nulls.
-- $1 names the schemas to look at.
-- level: note
-- remedy: declare an index that begins with these columns in database/indexes, and run `index apply`: one that is made otherwise
-- has to be declared by `index adopt`
-- splinter: 0001
select
    format('constraint %I on %I.%I', k.conname, n.nspname, c.relname) as object,
    format('no index begins with %s', keys.names) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select
        string_agg(quote_ident(a.attname), ', ' order by key.place) as names,
        string_agg(format('(%I IS NOT NULL)', a.attname), ' AND ' order by key.place) as present
    from unnest(k.conkey) with ordinality key (number, place)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = key.number
) keys
where k.contype = 'f'
  and k.conparentid = 0
  and not exists (
    select
    from pg_index i
    join pg_class ic on ic.oid = i.indexrelid
    join pg_am am on am.oid = ic.relam
    where i.indrelid = c.oid
      and i.indisvalid
      and am.amname in ('btree', 'hash')
      and i.indnkeyatts >= cardinality(k.conkey)
      and (
        i.indpred is null
        or case when (ic.tableoid, ic.oid) not in :unreadable then pg_get_expr(i.indpred, i.indrelid) end in (keys.present, '(' || keys.present || ')')
      )
      and array(
        select number
        from unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) number
        order by 1
      ) = array(
        select number
        from unnest(k.conkey) number
        order by 1
      )
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
