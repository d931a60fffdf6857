-- Views and materialized views: their options, security_invoker and security_barrier among them, and their query.
select
    case c.relkind when 'm' then 'materialized view' else 'view' end as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    null::text as parent,
    case
        when (c.tableoid, c.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', c.oid)]
        else pg_catalog.array_remove(array[
            'with (' || nullif(pg_catalog.array_to_string(array(select o from pg_catalog.unnest(c.reloptions) o order by o), ', '), '') || ')',
            case when c.relkind = 'm' and not c.relispopulated then 'with no data' end,
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(c.oid, 'pg_class'))
        ], null)
        || array(
            select pg_catalog.format('comment on column %I %L', a.attname, pg_catalog.col_description(c.oid, a.attnum))
            from pg_catalog.pg_attribute a
            where a.attrelid = c.oid
              and a.attnum > 0
              and pg_catalog.col_description(c.oid, a.attnum) is not null
            order by a.attnum
        )
        || array[pg_catalog.pg_get_viewdef(c.oid)]
    end as lines
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
