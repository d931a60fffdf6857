-- A foreign table is reachable. It has no row-level security, and the other server is asked with the rights of the user mapping:
-- every reader sees every row.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: warning
-- remedy: revoke it, and let a function or a view with a condition read it
-- splinter: 0017
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('%s may use it without any policy', low.names) as detail,
    format('revoke all on %I.%I from %s', n.nspname, c.relname, low.names) as fix,
    format('%I.%I', n.nspname, c.relname) as relation
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case when bool_or(role = 'public') then 'public' else string_agg(quote_ident(role), ', ' order by role) end as names
    from jsonb_array_elements_text($1::jsonb -> 'roles') role
    where has_schema_privilege(role, n.oid, 'usage')
      and (has_any_column_privilege(role, c.oid, 'select, insert, update') or has_table_privilege(role, c.oid, 'delete'))
) low
where c.relkind = 'f'
  and low.names is not null
  and n.nspname in (select jsonb_array_elements_text($1::jsonb -> 'schemas'))
  and not exists (
    select
    from pg_depend e
    where e.classid = 'pg_class'::regclass
      and e.objid = c.oid
      and e.deptype = 'e'
  )
order by 1
