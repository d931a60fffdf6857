-- A table without row-level security is reachable. Whoever may act as one of these roles reads or changes every row the grant
-- covers, whatever policies other tables have.
-- $1 names the roles anybody may act as, and the schemas to look at.
-- level: error
-- remedy: enable row-level security in the migration that creates the table, and declare policies; or revoke the grants
-- splinter: 0013
select
    format('%I.%I', n.nspname, c.relname) as object,
    format('granted to %s while row-level security is off', low.names) as detail,
    format('alter table %I.%I enable row level security', n.nspname, c.relname) as fix,
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
  and not c.relrowsecurity
  -- Of a partition whose parent has it another check tells.
  and not exists (
    select
    from pg_partition_ancestors(c.oid) a
    join pg_class parent on parent.oid = a.relid
    where a.relid <> c.oid
      and parent.relrowsecurity
  )
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
