-- Where the server that answers is, as it sees it itself: for telling it from the servers of configured environments.
-- The folders of its sockets are null for roles that may not know.
select
    pg_catalog.current_database()::text as database,
    pg_catalog.host(pg_catalog.inet_server_addr()) as address,
    pg_catalog.inet_server_port() as port,
    pg_catalog.current_setting('port')::integer as own_port,
    pg_catalog.current_setting('listen_addresses') <> '' as listens,
    (
        select settings.setting
        from pg_catalog.pg_settings as settings
        where settings.name = 'unix_socket_directories'
    ) as folders
