-- A name that no database has.
select 'toysoldiers_scratch_' || pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '') as name
