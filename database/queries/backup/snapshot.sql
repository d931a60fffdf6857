-- Makes the snapshot of this transaction known to other sessions.
select
    pg_catalog.pg_export_snapshot() as snapshot,
    pg_catalog.transaction_timestamp() as taken_at
