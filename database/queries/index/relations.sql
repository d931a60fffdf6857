-- What has a name in the platform's schemas and is no index: on some of it there can be indexes, and their names are taken.
select
    n.nspname::text as schema,
    c.relname::text as name,
    case c.relkind
        when 'r' then 'table'
        when 'p' then 'partitioned table'
        when 'm' then 'materialized view'
        when 'v' then 'view'
        when 'f' then 'foreign table'
        when 'S' then 'sequence'
        else 'type'
    end as kind
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind not in ('i', 'I', 't')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
order by 1, 2
