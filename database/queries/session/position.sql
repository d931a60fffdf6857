-- How far this server is in the stream of changes: what it wrote itself, or what it has replayed.
select
    case
        when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
        else pg_catalog.pg_current_wal_lsn()
    end::text as position,
    pg_catalog.pg_last_xact_replay_timestamp() as replayed_at
