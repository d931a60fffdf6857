-- Sequences but those of identity columns, which are told with the columns.
select
    'sequence' as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    null::text as parent,
    case
        when (c.tableoid, c.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', c.oid)]
        else pg_catalog.array_remove(array[
            pg_catalog.format(
                'as %s start %s increment %s minvalue %s maxvalue %s cache %s%s',
                pg_catalog.format_type(s.seqtypid, null),
                s.seqstart,
                s.seqincrement,
                s.seqmin,
                s.seqmax,
                s.seqcache,
                case when s.seqcycle then ' cycle' end
            ),
            (
                select pg_catalog.format('owned by %I.%I.%I', tn.nspname, t.relname, a.attname)
                from pg_catalog.pg_depend d
                join pg_catalog.pg_class t on t.oid = d.refobjid
                join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
                join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
                where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.objid = c.oid
                  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.deptype = 'a'
            ),
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(c.oid, 'pg_class'))
        ], null)
    end as lines
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c on c.oid = s.seqrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and e.objid = c.oid
      and e.deptype in ('e', 'i')
  )
