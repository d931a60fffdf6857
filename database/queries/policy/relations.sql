-- Relations of the platform's schemas, and what of them policy files speak of: row-level security, options of views, columns.
select
    n.nspname::text as schema,
    c.relname::text as name,
    case c.relkind
        when 'v' then 'view'
        when 'm' then 'materialized view'
        when 'f' then 'foreign table'
        when 'S' then 'sequence'
        else 'table'
    end as kind,
    c.relrowsecurity as enabled,
    c.relforcerowsecurity as forced,
    coalesce(c.reloptions, '{}') as options,
    array(
        select a.attname::text
        from pg_catalog.pg_attribute a
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
        order by a.attnum
    ) as columns
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2
