-- Default privileges: who may do what with objects to come. The role whose objects they are is called the owner if it owns
-- the database or our own schema, or is the one who asks: its name differs from server to server.
select
    'default privileges' as kind,
    n.nspname::text as schema,
    pg_catalog.concat_ws(
        ' ',
        'of',
        case
            when d.defaclrole in (
                (select b.datdba from pg_catalog.pg_database b where b.datname = pg_catalog.current_database()),
                (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user),
                (select o.nspowner from pg_catalog.pg_namespace o where o.nspname = 'toysoldiers')
            ) then 'the owner'
            else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.defaclrole))
        end,
        'on',
        case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end,
        'in ' || pg_catalog.quote_ident(n.nspname)
    ) as name,
    pg_catalog.quote_ident(n.nspname) as parent,
    array(
        select
            pg_catalog.format(
                '%s to %s%s',
                pg_catalog.lower(x.privilege_type),
                case when x.grantee = 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) end,
                case when x.is_grantable then ' with grant option' end
            )
        from pg_catalog.aclexplode(d.defaclacl) x
        where x.grantee <> d.defaclrole
        order by x.grantee = 0 desc, pg_catalog.pg_get_userbyid(x.grantee), x.privilege_type
    ) as lines
from pg_catalog.pg_default_acl d
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
where n.oid is null
   or (n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'toysoldiers'))
