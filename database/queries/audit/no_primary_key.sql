-- A table has no primary key: a row of it cannot be named, replicated or mended alone, and a policy cannot lead to one.
-- $1 names the schemas to look at.
-- level: note
-- remedy: add a primary key
-- splinter: 0004
select
    format('%I.%I', n.nspname, c.relname) as object,
    'it has no primary key' as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and not c.relispartition
  and not exists (
    select
    from pg_index i
    where i.indrelid = c.oid
      and i.indisprimary
  )
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
