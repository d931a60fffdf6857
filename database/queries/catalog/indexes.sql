-- Indexes but those of constraints, and the statistics that were asked for.
select
    'index' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    pg_catalog.format('%I.%I', tn.nspname, t.relname) as parent,
    case
        when (c.tableoid, c.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', c.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.pg_get_indexdef(c.oid),
            case when not i.indisvalid then 'invalid: no query uses it' end,
            case when i.indisclustered then 'the table is clustered by it' end,
            case when i.indisreplident then 'the replica identity of the table' end,
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(c.oid, 'pg_class'))
        ], null)
    end as lines
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_constraint k
    where k.conindid = c.oid
      and k.contype in ('p', 'u', 'x')
  )
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and e.objid in (c.oid, t.oid)
      and e.deptype = 'e'
  )
union all
select
    'statistics' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I.%I', n.nspname, s.stxname) as name,
    pg_catalog.format('%I.%I', tn.nspname, t.relname) as parent,
    case
        when (s.tableoid, s.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', s.oid)]
        else array[pg_catalog.pg_get_statisticsobjdef(s.oid)]
    end as lines
from pg_catalog.pg_statistic_ext s
join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
join pg_catalog.pg_class t on t.oid = s.stxrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
