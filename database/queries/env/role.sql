-- What this role may do, as far as our commands need it; of what it may not, how many and one of them.
with tables as (
    select
        c.oid,
        c.relkind,
        c.relowner,
        n.nspname,
        n.nspname || '.' || c.relname as name,
        pg_catalog.has_schema_privilege(n.oid, 'usage')
        and case c.relkind
            when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select')
            else pg_catalog.has_table_privilege(c.oid, 'select')
        end as readable,
        c.relrowsecurity and pg_catalog.row_security_active(c.oid) as filtered
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'S')
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
      and not exists (
        select
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass
          and d.objid = c.oid
          and d.deptype = 'e'
      )
),
strange as (
    select name
    from tables
    where relkind <> 'S'
      and nspname in ('public', 'toysoldiers')
      and not pg_catalog.pg_has_role(relowner, 'usage')
)
select
    r.rolname::text as role,
    r.rolsuper as superuser,
    r.rolbypassrls as bypasses_policies,
    r.rolcreaterole as creates_roles,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as creates_schemas,
    exists (
        select
        from pg_catalog.pg_namespace
        where nspname = 'public'
          and pg_catalog.has_schema_privilege(oid, 'create')
    ) as creates_tables,
    exists (
        select
        from pg_catalog.pg_namespace n
        cross join pg_catalog.aclexplode(n.nspacl) as granted
        where n.nspname = 'public'
          and granted.grantee = 0
          and granted.privilege_type = 'CREATE'
    ) as open_to_all,
    (select pg_catalog.pg_get_userbyid(nspowner)::text from pg_catalog.pg_namespace where nspname = 'public') as public_owner,
    exists (
        select
        from unnest(array['anon', 'authenticated', 'service_role']) wanted
        where pg_catalog.to_regrole(wanted) is null
    ) as lacks_roles,
    (select count(*) from strange) as strange,
    (select min(name) from strange) as a_strange,
    (select count(*) from tables where not readable) as unreadable,
    (select min(name) from tables where not readable) as an_unreadable,
    (select count(*) from tables where filtered) as filtered,
    (select min(name) from tables where filtered) as a_filtered
from pg_catalog.pg_roles r
where r.rolname = current_user
