-- Functions that run when rows are loaded or indexes built, since constraints, generated columns, indexes, partitions,
-- statistics or materialized views call them, and that have no search path of their own; with one that does so.
select distinct on (p.oid)
    p.oid::pg_catalog.regprocedure::text as function,
    l.lanname = 'sql' as is_sql,
    case when l.lanname = 'sql' then pg_catalog.pg_get_functiondef(p.oid) end as definition,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as used_by
from pg_catalog.pg_depend d
join pg_catalog.pg_proc p on p.oid = d.refobjid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  and n.nspname not in ('pg_catalog', 'information_schema', 'toysoldiers')
  and p.prokind = 'f'
  and l.lanname not in ('internal', 'c')
  and p.prosqlbody is null
  and not exists (select from pg_catalog.unnest(p.proconfig) c where c like 'search_path=%')
  and not exists (
      select from pg_catalog.pg_depend e
      where e.classid = d.refclassid and e.objid = p.oid and e.deptype = 'e'
  )
  and case d.classid
      when 'pg_catalog.pg_constraint'::pg_catalog.regclass then true
      when 'pg_catalog.pg_class'::pg_catalog.regclass then true
      when 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass then true
      when 'pg_catalog.pg_attrdef'::pg_catalog.regclass then exists (
          select from pg_catalog.pg_attrdef a
          join pg_catalog.pg_attribute c on c.attrelid = a.adrelid and c.attnum = a.adnum
          where a.oid = d.objid and c.attgenerated <> ''
      )
      when 'pg_catalog.pg_rewrite'::pg_catalog.regclass then exists (
          select from pg_catalog.pg_rewrite r
          join pg_catalog.pg_class c on c.oid = r.ev_class
          where r.oid = d.objid and c.relkind = 'm'
      )
      else false
  end
order by p.oid, used_by
