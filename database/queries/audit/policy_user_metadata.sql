-- A policy believes what a user's metadata says, and users write that themselves.
-- $1 names the schemas whose policies to look at.
-- level: error
-- remedy: take app_metadata, or a table that users cannot change
-- splinter: 0015
select
    format('policy %I on %I.%I', p.polname, n.nspname, c.relname) as object,
    'it reads user_metadata' as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from :readable_policies p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) like '%user\_metadata%'
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
