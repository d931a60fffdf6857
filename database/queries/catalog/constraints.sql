-- Constraints of tables. What says `not null` is told with the columns; triggers are told as triggers.
select
    'constraint' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I on %I.%I', k.conname, n.nspname, c.relname) as name,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as parent,
    case
        when (k.tableoid, k.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', k.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.pg_get_constraintdef(k.oid),
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(k.oid, 'pg_constraint'))
        ], null)
    end as lines
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype in ('c', 'f', 'p', 'u', 'x')
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
