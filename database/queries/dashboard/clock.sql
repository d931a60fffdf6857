-- When the numbers of this transaction are true.
select pg_catalog.transaction_timestamp() as now
