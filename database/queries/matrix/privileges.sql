-- Which of these roles may do what to which relation: those of these schemas, and of schemas where there are policies. A right to
-- some columns counts. What could not be done anyway is left out: changing a view that is not updatable, emptying a view.
-- $1: names of roles, as a JSON array
-- $2: names of schemas, as a JSON array
select
    n.nspname::text as schema,
    c.relname::text as name,
    command.name as command,
    r.rolname::text as role
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join (values
    ('select', 0, 'rpvmf'),
    ('insert', 8, 'rpvf'),
    ('update', 4, 'rpvf'),
    ('delete', 16, 'rpvf'),
    ('truncate', 0, 'rpf')
) as command (name, bit, kinds)
join pg_catalog.pg_roles r on r.rolname in (select pg_catalog.jsonb_array_elements_text($1))
where pg_catalog.strpos(command.kinds, c.relkind::text) > 0
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and (
      n.nspname in (select pg_catalog.jsonb_array_elements_text($2))
      or exists (
          select
          from pg_catalog.pg_policy p
          join pg_catalog.pg_class t on t.oid = p.polrelid
          where t.relnamespace = n.oid
      )
  )
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
  and case
      when command.name in ('delete', 'truncate')
          then pg_catalog.has_table_privilege(r.oid, c.oid, command.name)
      else pg_catalog.has_any_column_privilege(r.oid, c.oid, command.name)
  end
  and (
      c.relkind <> 'v'
      or pg_catalog.pg_relation_is_updatable(c.oid::pg_catalog.regclass, true) & command.bit = command.bit
  )
order by 1, 2, 3, 4
