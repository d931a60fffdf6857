-- Every table a dump holds rows of, but those of extensions, which are made anew on restore.
select
    n.nspname::text as schema,
    c.relname::text as name
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r'
  and c.relpersistence <> 't'
  and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
  and not exists (
    select
    from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass
      and d.objid = c.oid
      and d.deptype = 'e'
  )
order by n.nspname, c.relname
