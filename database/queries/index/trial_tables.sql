-- What the tables of a plan are ($1, an array of pairs of schema and name): the table a partition belongs to in the end, the columns
-- as SQL names them, and whether the planner knows anything about it.
select
    n.nspname::text as schema,
    t.relname::text as name,
    rn.nspname::text as root_schema,
    r.relname::text as root,
    pg_catalog.format('%I.%I', n.nspname, t.relname) as sql,
    pg_catalog.format('%I.%I', rn.nspname, r.relname) as root_sql,
    t.reltuples >= 0 as is_analyzed,
    array(
        select pg_catalog.quote_ident(a.attname)
        from pg_catalog.pg_attribute a
        where a.attrelid = t.oid
          and a.attnum > 0
          and not a.attisdropped
        order by a.attnum
    ) as columns
from pg_catalog.jsonb_array_elements($1) pair
join pg_catalog.pg_namespace n on n.nspname = pair ->> 0
join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relname = pair ->> 1
join pg_catalog.pg_class r on r.oid = coalesce(pg_catalog.pg_partition_root(t.oid)::oid, t.oid)
join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
where t.relkind in ('r', 'm')
  and n.nspname <> 'pg_catalog'
order by 1, 2
