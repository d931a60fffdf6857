-- A table has policies but row-level security is off, so none of them is asked. Who reads the policies believes in a protection
-- that is not there.
-- $1 names the schemas whose policies to look at.
-- level: error
-- remedy: enable row-level security on the table
-- splinter: 0007
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('row-level security is off, and %s %s never asked', string_agg(quote_ident(p.polname), ', ' order by p.polname), case when count(*) = 1 then 'is' else 'are' end) as detail,
    format('alter table %I.%I enable row level security', n.nspname, c.relname) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where not c.relrowsecurity
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'policy_schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
group by n.nspname, c.relname
order by 1
