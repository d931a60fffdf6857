-- Everything of the platform's schemas that has rows, by schema and name: its columns, those of its primary key, and whether
-- this session may lock it as writers do, for which a right to write it is needed.
select
    n.nspname::text as schema,
    c.relname::text as name,
    array(
        select a.attname::text
        from pg_catalog.pg_attribute a
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
        order by a.attnum
    ) as columns,
    array(
        select a.attname::text
        from pg_catalog.pg_index i
        cross join pg_catalog.unnest(i.indkey::int2[]) with ordinality as k (attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid
          and i.indisprimary
        order by k.place
    ) as keys,
    c.relkind in ('r', 'p')
        and pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_table_privilege(c.oid, 'update, delete, truncate') as lockable
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2
