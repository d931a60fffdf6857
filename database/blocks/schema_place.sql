(
    select pg_catalog.concat_ws(
        '.',
        1,
        pg_catalog.current_setting('server_version_num')::int / 10000,
        'toysoldiers.history'::pg_catalog.regclass::oid,
        'toysoldiers.audit_log'::pg_catalog.regclass::oid,
        'toysoldiers.schema_hash'::pg_catalog.regclass::oid
    )
)
