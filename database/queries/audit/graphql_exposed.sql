-- pg_graphql is installed and shows the names of this relation and of its columns to everybody who may select one of them, also
-- where no row is shown.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: note
-- remedy: revoke what need not be seen, or drop the extension if nobody uses it
-- splinter: 0026, 0027
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s sees it in the schema of GraphQL', low.names) as detail,
    null as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and has_any_column_privilege(role, c.oid, 'select')
) low
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and low.names is not null
  and exists (select from pg_extension x where x.extname = 'pg_graphql')
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
