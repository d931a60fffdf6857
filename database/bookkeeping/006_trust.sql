-- Whatever is computed for these tables is computed by the catalog's own functions and operators. Programs of older
-- versions made the tables with a search path in which others could have put theirs: what an expression had come to
-- mean then it means for ever. So every one of them is made anew.

alter table toysoldiers.installation
    alter column singleton set default true,
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    alter column installed_at set default pg_catalog.now(),
    drop constraint installation_singleton_check,
    add constraint installation_singleton_check check (singleton);

alter table toysoldiers.history
    alter column applied_at set default pg_catalog.clock_timestamp(),
    alter column applied_by set default session_user,
    alter column actor set default pg_catalog.current_setting('toysoldiers.actor', true),
    alter column client set default pg_catalog.inet_client_addr(),
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    alter column duration_ms
        set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint;

alter table toysoldiers.audit_log
    alter column at set default pg_catalog.now(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column details set default '{}';

alter table toysoldiers.runs
    alter column started_at set default pg_catalog.statement_timestamp(),
    alter column duration_ms
        set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint,
    alter column actor set default pg_catalog.current_setting('toysoldiers.actor', true),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column tool_version set default pg_catalog.current_setting('toysoldiers.tool_version', true),
    drop constraint runs_action_check,
    add constraint runs_action_check check (action in ('up', 'down', 'baseline', 'repair')),
    drop constraint runs_outcome_check,
    add constraint runs_outcome_check check (outcome in ('done', 'failed'));

alter table toysoldiers.steps
    alter column started_at set default pg_catalog.clock_timestamp();

alter table toysoldiers.detached
    alter column detached_at set default pg_catalog.now(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    drop constraint detached_command_check,
    add constraint detached_command_check check (command in ('select', 'insert', 'update', 'delete', 'all'));

alter table toysoldiers.deploys
    alter column started_at set default pg_catalog.clock_timestamp(),
    alter column role set default session_user,
    alter column client set default pg_catalog.inet_client_addr(),
    alter column stages set default '[]',
    drop constraint deploys_outcome_check,
    add constraint deploys_outcome_check check (outcome in ('running', 'done', 'failed', 'lost'));

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
