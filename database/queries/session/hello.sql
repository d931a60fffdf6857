-- Who answers: asked before anything is set, since a pooler may hand the setting to somebody else. So it looks up no name by
-- itself, not even an operator.
select
    pg_catalog.pg_backend_pid() as process,
    pg_catalog.inet_client_port() as port,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.current_setting('transaction_read_only')
        operator(pg_catalog.=) 'on'::pg_catalog.text as read_only,
    exists (
        select
        from pg_catalog.pg_class as class
        join pg_catalog.pg_namespace as namespace on namespace.oid operator(pg_catalog.=) class.relnamespace
        where
            namespace.nspname operator(pg_catalog.=) 'toysoldiers'::pg_catalog.name
            and class.relname operator(pg_catalog.=) 'installation'::pg_catalog.name
            and pg_catalog.has_schema_privilege(namespace.oid, 'usage')
            and pg_catalog.has_table_privilege(class.oid, 'select')
    ) as stamped,
    -- It runs with our rights: only that of whoever could put a trigger on the log is called.
    exists (
        select
        from pg_catalog.pg_proc as function
        join pg_catalog.pg_namespace as namespace on namespace.oid operator(pg_catalog.=) function.pronamespace
        join pg_catalog.pg_class as class on class.relnamespace operator(pg_catalog.=) namespace.oid
        where
            namespace.nspname operator(pg_catalog.=) 'toysoldiers'::pg_catalog.name
            and function.proname operator(pg_catalog.=) 'audit'::pg_catalog.name
            and class.relname operator(pg_catalog.=) 'audit_log'::pg_catalog.name
            and function.proowner operator(pg_catalog.=) class.relowner
            and pg_catalog.has_schema_privilege(namespace.oid, 'usage')
            and pg_catalog.has_function_privilege(function.oid, 'execute')
    ) as audits,
    -- Bookkeeping of a role that is no superuser, not the owner of the database, and neither has what we have nor gives it to us,
    -- was not made by us. Code of such a role is nothing that we put behind our tables. Who may not write there cannot be made to run it.
    (
        with own as (
            select
                namespace.oid,
                namespace.nspowner as owner,
                login.oid as login,
                login.rolsuper as is_super,
                database.datdba as dba
            from pg_catalog.pg_namespace as namespace
            join pg_catalog.pg_roles as login on login.rolname operator(pg_catalog.=) session_user
            join pg_catalog.pg_database as database on database.datname operator(pg_catalog.=) pg_catalog.current_database()
            where
                namespace.nspname operator(pg_catalog.=) 'toysoldiers'::pg_catalog.name
                and not exists (
                    select
                    from pg_catalog.pg_class as class
                    where
                        class.relnamespace operator(pg_catalog.=) namespace.oid
                        and class.relname operator(pg_catalog.=) 'installation'::pg_catalog.name
                        and not pg_catalog.has_table_privilege(session_user, class.oid, 'insert')
                )
        ),
        part as (
            select class.oid, class.relowner as owner, pg_catalog.format('toysoldiers.%I', class.relname) as name
            from own
            join pg_catalog.pg_class as class on class.relnamespace operator(pg_catalog.=) own.oid
            where class.relkind operator(pg_catalog.=) any ('{r,p,v,m,f,S}'::pg_catalog."char"[])
        ),
        -- Before version 6 there may be such code in defaults and checks, and the upgrade makes every one of them anew.
        renewed as (
            select from part where part.name operator(pg_catalog.=) 'toysoldiers.runner'::pg_catalog.text
        ),
        called as (
            select 'pg_catalog.pg_trigger'::pg_catalog.regclass as class, trigger.oid, part.name
            from part join pg_catalog.pg_trigger as trigger on trigger.tgrelid operator(pg_catalog.=) part.oid
            where not trigger.tgisinternal
            union all
            select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, value.oid, part.name
            from part join pg_catalog.pg_attrdef as value on value.adrelid operator(pg_catalog.=) part.oid
            where exists (select from renewed)
            union all
            select 'pg_catalog.pg_constraint'::pg_catalog.regclass, rule.oid, part.name
            from part join pg_catalog.pg_constraint as rule on rule.conrelid operator(pg_catalog.=) part.oid
            where exists (select from renewed)
            union all
            select 'pg_catalog.pg_rewrite'::pg_catalog.regclass, rule.oid, part.name
            from part join pg_catalog.pg_rewrite as rule on rule.ev_class operator(pg_catalog.=) part.oid
            union all
            select 'pg_catalog.pg_class'::pg_catalog.regclass, index.indexrelid, part.name
            from part join pg_catalog.pg_index as index on index.indrelid operator(pg_catalog.=) part.oid
        ),
        owned as (
            select 1 as rank, own.owner, 'the schema toysoldiers belongs to %I' as saying from own
            union all
            select 2, part.owner, part.name operator(pg_catalog.||) ' belongs to %I' from part
            union all
            select 3, function.proowner, called.name operator(pg_catalog.||) ' runs code of %I'
            from called
            join pg_catalog.pg_depend as need on need.classid operator(pg_catalog.=) called.class
                and need.objid operator(pg_catalog.=) called.oid
            left join pg_catalog.pg_operator as operator on need.refclassid operator(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass
                and operator.oid operator(pg_catalog.=) need.refobjid
            join pg_catalog.pg_proc as function on function.oid operator(pg_catalog.=) case
                when need.refclassid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass then need.refobjid
                else operator.oprcode::pg_catalog.oid
            end
        )
        select pg_catalog.format(owned.saying, role.rolname)
        from owned
        cross join own
        join pg_catalog.pg_roles as role on role.oid operator(pg_catalog.=) owned.owner
        where
            not role.rolsuper
            and role.rolname operator(pg_catalog.<>) 'pg_database_owner'::pg_catalog.name
            and owned.owner operator(pg_catalog.<>) own.dba
            and owned.owner operator(pg_catalog.<>) own.login
            and not pg_catalog.pg_has_role(owned.owner, own.login, 'member')
            -- A superuser is a member of all, and before PostgreSQL 15 a role could make others members of itself.
            and (
                own.is_super
                or pg_catalog.current_setting('server_version_num')::pg_catalog.int4 operator(pg_catalog.<) 150000
                or not pg_catalog.pg_has_role(own.login, owned.owner, 'member')
            )
        order by owned.rank, 1
        limit 1
    ) as strange,
    -- Not every system can.
    pg_catalog.version() operator(pg_catalog.~~) '%linux%' as tells_of_clients,
    -- Whoever owns the database can have a superuser's sessions begin as somebody else, for whom everything is made then.
    exists (
        select
        from pg_catalog.pg_db_role_setting as setting
        join pg_catalog.pg_roles as login on login.rolname operator(pg_catalog.=) session_user
        join pg_catalog.pg_database as database on database.oid operator(pg_catalog.=) setting.setdatabase
        cross join lateral pg_catalog.unnest(setting.setconfig) as entry (line)
        where
            login.rolsuper
            and setting.setrole operator(pg_catalog.=) 0::pg_catalog.oid
            and database.datname operator(pg_catalog.=) pg_catalog.current_database()
            and entry.line operator(pg_catalog.~~) 'role=%'::pg_catalog.text
    ) as role_is_the_databases,
    -- What ends a session while it is idle, or what it asks, in less than it takes to make settings. Of a version that knows
    -- no such setting nothing is read.
    exists (
        select
        from pg_catalog.unnest(
            '{statement_timeout,idle_session_timeout,idle_in_transaction_session_timeout,transaction_timeout}'::pg_catalog.text[]
        ) as timeout (name)
        cross join lateral (select pg_catalog.current_setting(timeout.name, true)::pg_catalog.interval as length) as own
        where
            own.length operator(pg_catalog.>) '0'::pg_catalog.interval
            and own.length operator(pg_catalog.<) '5 s'::pg_catalog.interval
    ) as hurried
