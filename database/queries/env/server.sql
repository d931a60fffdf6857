-- What the server is, and how long it lets a statement take: now, and if nobody had said anything.
select
    pg_catalog.current_setting('server_version') as version,
    pg_catalog.current_setting('server_version_num')::integer / 10000 as major,
    s.setting::bigint as statement_timeout_ms,
    s.reset_val::bigint as usual_statement_timeout_ms,
    pg_catalog.to_regnamespace('toysoldiers') is not null as has_bookkeeping
from pg_catalog.pg_settings s
where s.name = 'statement_timeout'
