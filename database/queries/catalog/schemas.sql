-- Schemas that people made, and public.
select
    'schema' as kind,
    n.nspname::text as schema,
    pg_catalog.quote_ident(n.nspname) as name,
    null::text as parent,
    case
        when (n.tableoid, n.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', n.oid)]
        else pg_catalog.array_remove(array[
            -- The comment public is born with tells nothing.
            'comment ' || pg_catalog.quote_literal(nullif(pg_catalog.obj_description(n.oid, 'pg_namespace'), 'standard public schema'))
        ], null)
    end as lines
from pg_catalog.pg_namespace n
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and e.objid = n.oid
      and e.deptype = 'e'
  )
