-- What a role may do to every relation of the platform's schemas: a row a relation and command. Whose rows those are
-- is for policies to say.
-- $1: the role
select
    n.nspname::text as schema,
    c.relname::text as name,
    case c.relkind
        when 'v' then 'view'
        when 'm' then 'materialized view'
        when 'f' then 'foreign table'
        else 'table'
    end as kind,
    o.command,
    pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage') as within,
    pg_catalog.has_table_privilege(r.oid, c.oid, o.command) as whole,
    case
        when o.command in ('select', 'insert', 'update')
         and not pg_catalog.has_table_privilege(r.oid, c.oid, o.command) then array(
            select a.attname::text
            from pg_catalog.pg_attribute a
            where a.attrelid = c.oid
              and a.attnum > 0
              and not a.attisdropped
              and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, o.command)
            order by a.attnum
        )
        else '{}'
    end as columns,
    c.relrowsecurity as secured,
    c.relforcerowsecurity as forced,
    pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
    pg_catalog.pg_has_role(r.oid, c.relowner, 'usage') as owned,
    c.relkind = 'v' and exists (
        select
        from pg_catalog.pg_options_to_table(c.reloptions) option
        where option.option_name = 'security_invoker'
          and pg_catalog.lower(option.option_value) in ('true', 'on', 'yes', '1')
    ) as invoker
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles r on r.rolname = $1
cross join (
    values (1, 'select'), (2, 'insert'), (3, 'update'), (4, 'delete'), (5, 'truncate')
) o(number, command)
where c.relkind in ('r', 'p', 'f', 'v', 'm')
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
  and (o.number = 1 or c.relkind <> 'm')
  and (o.number < 5 or c.relkind <> 'v')
order by 1, 2, o.number
