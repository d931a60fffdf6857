-- What the server is, how long it lets a statement take, now and if nobody had said anything, and what its database has.
select
    pg_catalog.current_setting('server_version') as version,
    pg_catalog.current_setting('server_version_num')::integer / 10000 as major,
    s.setting::bigint as statement_timeout_ms,
    s.reset_val::bigint as usual_statement_timeout_ms,
    pg_catalog.to_regnamespace('toysoldiers') is not null as has_bookkeeping,
    -- Those of extensions are nobody's platform.
    exists (
        select
        from pg_catalog.pg_class c
        where c.relnamespace = pg_catalog.to_regnamespace('public')
          and c.relkind in ('r', 'p')
          and not exists (
              select
              from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.objid = c.oid
                and d.deptype = 'e'
          )
    ) as has_tables
from pg_catalog.pg_settings s
where s.name = 'statement_timeout'
