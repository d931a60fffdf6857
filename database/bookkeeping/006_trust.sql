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

-- Who, from where and with which version is told by the session. Whoever may not insert into the log may not by this.
create function toysoldiers.audit(action text, subject uuid, details jsonb)
returns bigint
language sql
security invoker
set search_path = pg_catalog, pg_temp
as $$
    insert into toysoldiers.audit_log (actor, tool_version, action, subject, details)
    values (
        nullif(current_setting('toysoldiers.actor', true), ''),
        nullif(current_setting('toysoldiers.tool_version', true), ''),
        audit.action,
        audit.subject,
        audit.details
    )
    returning id
$$;

comment on function toysoldiers.audit is 'writes a row of the audit log for the session that calls it; its number';

do $$
declare
    made record;
    grantee record;
begin
    -- It runs with the rights of its caller, who trusts the owner of the log anyway.
    execute pg_catalog.format('alter function toysoldiers.audit owner to %I', (
        select r.rolname
        from pg_catalog.pg_class c
        join pg_catalog.pg_roles r on r.oid = c.relowner
        where c.oid = 'toysoldiers.audit_log'::pg_catalog.regclass
    ));

    for made in
        select
            pg_catalog.format('toysoldiers.%I', c.relname) as name,
            c.relacl as acl,
            c.relowner as owner,
            'update' as privilege,
            'toysoldiers.history' as origin
        from pg_catalog.pg_class c
        where c.relnamespace = 'toysoldiers'::pg_catalog.regnamespace
          and c.relname in ('runner', 'deploy_runner', 'index_runner')
        union all
        select
            'function toysoldiers.audit',
            coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)),
            p.proowner,
            'execute',
            'toysoldiers.audit_log'
        from pg_catalog.pg_proc p
        where p.oid = 'toysoldiers.audit'::pg_catalog.regproc
    loop
        -- Default privileges may have granted everything to everyone, and do so with functions.
        for grantee in
            select distinct coalesce(pg_catalog.quote_ident(r.rolname), 'public') as name
            from pg_catalog.aclexplode(made.acl) a
            left join pg_catalog.pg_roles r on r.oid = a.grantee
            where a.grantee <> made.owner
        loop
            execute pg_catalog.format('revoke all on %s from %s', made.name, grantee.name);
        end loop;
        -- Roles that may write the history run migrations, without being the owner; those that may write the log go on.
        for grantee in
            select distinct pg_catalog.quote_ident(r.rolname) as name
            from pg_catalog.pg_class c
            cross join lateral pg_catalog.aclexplode(c.relacl) a
            join pg_catalog.pg_roles r on r.oid = a.grantee
            where c.oid = made.origin::pg_catalog.regclass
              and a.privilege_type = 'INSERT'
              and a.grantee <> c.relowner
              and r.rolname not in ('anon', 'authenticated', 'service_role')
        loop
            execute pg_catalog.format('grant %s on %s to %s', made.privilege, made.name, grantee.name);
        end loop;
    end loop;
end
$$;
