-- Types that people made: enums with their values in order, domains with their constraints, composite and range types.
select
    case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range type' else 'composite type' end as kind,
    n.nspname::text as schema,
    pg_catalog.format('%I.%I', n.nspname, t.typname) as name,
    null::text as parent,
    case
        when (t.tableoid, t.oid) in :unreadable
            then array[pg_catalog.format('cannot be read: nested too deep, or too large (%s)', t.oid)]
        else case t.typtype
            when 'e' then array(
                select pg_catalog.quote_literal(v.enumlabel)
                from pg_catalog.pg_enum v
                where v.enumtypid = t.oid
                order by v.enumsortorder
            )
            when 'd' then pg_catalog.array_remove(array[
                'as ' || pg_catalog.format_type(t.typbasetype, t.typtypmod),
                'default ' || t.typdefault,
                case when t.typnotnull then 'not null' end
            ], null) || array(
                select pg_catalog.format('constraint %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid))
                from pg_catalog.pg_constraint k
                where k.contypid = t.oid
                  and k.contype = 'c'
                order by k.conname
            )
            when 'r' then array(
                select 'of ' || pg_catalog.format_type(r.rngsubtype, null)
                from pg_catalog.pg_range r
                where r.rngtypid = t.oid
            )
            else array(
                select pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
                from pg_catalog.pg_attribute a
                where a.attrelid = t.typrelid
                  and a.attnum > 0
                  and not a.attisdropped
                order by a.attnum
            )
        end
        || pg_catalog.array_remove(array[
            'comment ' || pg_catalog.quote_literal(pg_catalog.obj_description(t.oid, 'pg_type'))
        ], null)
    end as lines
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and not exists (
    select
    from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
      and e.objid = t.oid
      and e.deptype = 'e'
  )
