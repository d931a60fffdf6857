-- A policy compares a column with who is asking, and no index begins with that column: each query of a bound role reads the
-- whole table.
-- $1 names the schemas whose policies to look at.
-- level: note
-- remedy: declare an index that begins with the column in database/indexes, and run `index apply`
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as policy,
    format('%I.%I', n.nspname, c.relname) as relation,
    p.polqual::text as using_tree,
    (
        select coalesce(jsonb_object_agg(a.attnum::text, a.attname), '{}')
        from pg_attribute a
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
          -- A valid index on all rows it can equal that begins with it, and whose equality may be asked before policies.
          and not exists (
            select
            from pg_index i
            join pg_class ic on ic.oid = i.indexrelid
            join pg_am am on am.oid = ic.relam
            join pg_opclass oc on oc.oid = i.indclass[0]
            join pg_amop ao on ao.amopfamily = oc.opcfamily and ao.amoplefttype = oc.opcintype and ao.amoprighttype = oc.opcintype
            join pg_operator o on o.oid = ao.amopopr
            join pg_proc f on f.oid = o.oprcode
            where i.indrelid = c.oid
              and i.indisvalid
              and (
                i.indpred is null
                or case when (ic.tableoid, ic.oid) not in :unreadable then pg_get_expr(i.indpred, i.indrelid) end = format('(%I IS NOT NULL)', a.attname)
              )
              and i.indkey[0] = a.attnum
              and am.amname in ('btree', 'hash')
              and f.proleakproof
          )
    ) as unindexed
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where p.polqual is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
