-- Whether a replica has replayed all there was at a position of its primary, and how many bytes are missing.
--
-- $1 the position, as text
select
    coalesce(pg_catalog.pg_last_wal_replay_lsn() >= $1::text::pg_catalog.pg_lsn, false) as reached,
    coalesce(
        pg_catalog.pg_wal_lsn_diff($1::text::pg_catalog.pg_lsn, pg_catalog.pg_last_wal_replay_lsn()),
        0
    )::bigint as missing
