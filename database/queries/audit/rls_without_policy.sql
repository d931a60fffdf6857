-- Row-level security is on, there are grants, and no policy lets anybody in: every query of these roles finds nothing and says
-- nothing about why.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: note
-- remedy: declare a policy, or revoke the grants so that the refusal is loud
-- splinter: 0008
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('granted to %s, and no policy shows a row', low.names) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and (has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete'))
) low
where c.relkind in ('r', 'p')
  and c.relrowsecurity
  and low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
  and not exists (
    select
    from pg_policy p
    where p.polrelid = c.oid
      and p.polpermissive
  )
order by 1
