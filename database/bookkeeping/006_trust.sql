-- What only those may do who run migrations.

-- A run locks one of these, in a session that does nothing else, for as long as it lasts; an advisory lock could be
-- taken by anybody who is let in. They are views, and of nothing: VACUUM, ANALYZE and REINDEX of a whole database lock
-- every table, and would wait for the very run they belong to. No later version alters them, so that an older
-- program and a newer one keep each other out.
create view toysoldiers.runner as select 'migrations and policies'::text as purpose;
create view toysoldiers.deploy_runner as select 'deploys'::text as purpose;
create view toysoldiers.index_runner as select 'builds of indexes'::text as purpose;

comment on view toysoldiers.runner is 'locked by whoever runs migrations or changes policies';
comment on view toysoldiers.deploy_runner is 'locked by whoever deploys';
comment on view toysoldiers.index_runner is 'locked by whoever builds indexes';

do $$
declare
    lock text;
    grantee record;
begin
    foreach lock in array array['runner', 'deploy_runner', 'index_runner']
    loop
        -- Default privileges may have granted everything to everyone.
        for grantee in
            select distinct a.grantee as oid, r.rolname as name
            from pg_catalog.pg_class c
            cross join lateral pg_catalog.aclexplode(c.relacl) a
            left join pg_catalog.pg_roles r on r.oid = a.grantee
            where c.oid = pg_catalog.format('toysoldiers.%I', lock)::pg_catalog.regclass
              and a.grantee <> c.relowner
        loop
            if grantee.name is null then
                execute pg_catalog.format('revoke all on toysoldiers.%I from public', lock);
            else
                execute pg_catalog.format('revoke all on toysoldiers.%I from %I', lock, grantee.name);
            end if;
        end loop;
        -- Roles that may write the history run migrations, without being the owner.
        for grantee in
            select distinct r.rolname as name
            from pg_catalog.pg_class c
            cross join lateral pg_catalog.aclexplode(c.relacl) a
            join pg_catalog.pg_roles r on r.oid = a.grantee
            where c.oid = 'toysoldiers.history'::pg_catalog.regclass
              and a.privilege_type = 'INSERT'
              and a.grantee <> c.relowner
              and r.rolname not in ('anon', 'authenticated', 'service_role')
        loop
            execute pg_catalog.format('grant update on toysoldiers.%I to %I', lock, grantee.name);
        end loop;
    end loop;
end
$$;
