-- Rights on relations of the platform's schemas and on their columns, but for the owner's own. What is granted to nobody in
-- particular has the rights PostgreSQL gives by itself.
select
    n.nspname::text as schema,
    c.relname::text as name,
    given.column_name as column,
    case when x.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(x.grantee)::text end as grantee,
    pg_catalog.lower(x.privilege_type) as privilege,
    pg_catalog.bool_or(x.is_grantable) as grantable
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select
        null::text as column_name,
        coalesce(
            c.relacl,
            pg_catalog.acldefault(case c.relkind when 'S' then 's'::"char" else 'r'::"char" end, c.relowner)
        ) as acl
    union all
    select a.attname::text, a.attacl
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid
      and a.attacl is not null
      and not a.attisdropped
) as given
cross join lateral pg_catalog.aclexplode(given.acl) x
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  and x.grantee <> c.relowner
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'toysoldiers')
group by 1, 2, 3, 4, 5
