-- Who answers: asked before anything is set, since a pooler may hand the setting to somebody else.
select
    pg_catalog.pg_backend_pid() as process,
    pg_catalog.inet_client_port() as port,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.current_setting('transaction_read_only') = 'on' as read_only,
    exists (
        select
        from pg_catalog.pg_class as class
        join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where
            namespace.nspname = 'toysoldiers'
            and class.relname = 'installation'
            and pg_catalog.has_schema_privilege(namespace.oid, 'usage')
            and pg_catalog.has_table_privilege(class.oid, 'select')
    ) as stamped,
    -- Not every system can.
    pg_catalog.version() operator(pg_catalog.~~) '%linux%' as tells_of_clients
