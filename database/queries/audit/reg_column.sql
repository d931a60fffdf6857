-- A column refers to objects of the catalog by number. Such numbers differ in the next major version, and pg_upgrade refuses a
-- database that has one.
-- $1 names the schemas to look at.
-- level: note
-- remedy: store the name as text
-- splinter: 0018
select
    format('%I.%I.%I', n.nspname, c.relname, a.attname) as object,
    format('its type is %s', t.typname) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
where a.attnum > 0
  and not a.attisdropped
  and c.relkind in ('r', 'p', 'm')
  and t.typnamespace = 'pg_catalog'::regnamespace
  and t.typname in ('regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator', 'regproc', 'regprocedure')
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
