-- Since when the counters of this database count, as far as can be told: a reset leaves its time, a crash zeroes them and leaves none,
-- so that nothing before the server's start can be relied on. PostgreSQL 14 has such a time without a reset, too.
select
    w.began,
    case
        when w.began = started.at then false
        when pg_catalog.current_setting('server_version_num')::integer >= 150000 then true
    end as was_reset,
    extract(epoch from pg_catalog.clock_timestamp() - w.began)::bigint as seconds,
    pg_catalog.pg_is_in_recovery() as in_recovery
from (select pg_catalog.pg_postmaster_start_time() as at) started
left join pg_catalog.pg_stat_database d on d.datname = pg_catalog.current_database()
cross join lateral (select greatest(d.stats_reset, started.at) as began) w
