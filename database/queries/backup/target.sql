-- Whether a backup can be restored under a name: is the name taken ($1), and is there what an interrupted restore
-- left behind ($2).
select
    exists (
        select
        from pg_catalog.pg_database
        where datname = $1
    ) as taken,
    exists (
        select
        from pg_catalog.pg_database
        where datname = $2
    ) as leftover
