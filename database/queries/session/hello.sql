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
