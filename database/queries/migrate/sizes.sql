-- How large tables are, with their indexes and all partitions, and about how many rows they have; nothing where PostgreSQL
-- has not counted yet. One that the server cannot open, since a policy or a rule of it is nested too deep, is as large as
-- PostgreSQL counted last.
with unopened as materialized (
    select unreadable.oid
    from :unreadable as unreadable
    where unreadable.class = 'pg_catalog.pg_class'::pg_catalog.regclass
)
select
    n.nspname::text as schema,
    c.relname::text as name,
    coalesce(
        case
            when c.relkind = 'p' then (
                select sum(pg_catalog.pg_total_relation_size(p.relid))::bigint
                from pg_catalog.pg_partition_tree(c.oid) p
                where p.relid::oid not in (select oid from unopened)
            )
            when c.oid in (select oid from unopened)
                then c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
            else pg_catalog.pg_total_relation_size(c.oid)
        end,
        0
    ) as bytes,
    case when c.reltuples >= 0 then c.reltuples::bigint end as rows
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
