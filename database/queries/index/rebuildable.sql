-- Indexes that can be rebuilt beside those who use them, and how large they are. Those of exclusion constraints cannot.
select
    c.oid::bigint as oid,
    n.nspname::text as schema,
    c.relname::text as name,
    own.nspname::text as table_schema,
    t.relname::text as table_name,
    am.amname::text as method,
    c.relkind = 'I' as partitioned,
    i.indisexclusion as exclusion,
    i.indisvalid as valid,
    (
        select coalesce(sum(pg_catalog.pg_relation_size(part.oid)), 0)::bigint
        from (
            select c.oid as oid
            where c.relkind = 'i'
            union all
            select tree.relid
            from pg_catalog.pg_partition_tree(c.oid) tree
            where c.relkind = 'I'
              and tree.isleaf
        ) part
    ) as size
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace own on own.oid = t.relnamespace
join pg_catalog.pg_am am on am.oid = c.relam
where n.nspname not in ('pg_catalog', 'information_schema')
  and n.nspname !~ '^pg_(toast|temp)'
order by n.nspname, c.relname
