-- Which tools that migrate databases left their table here. Two of them call it schema_migrations.
select
    to_regclass('supabase_migrations.schema_migrations') is not null as supabase,
    to_regclass('public._sqlx_migrations') is not null as sqlx,
    to_regclass('public.__diesel_schema_migrations') is not null as diesel,
    to_regclass('public.flyway_schema_history') is not null as flyway,
    to_regclass('public.schema_migrations') is not null and not d.has_dirty as dbmate,
    to_regclass('public.schema_migrations') is not null and d.has_dirty as golang_migrate,
    to_regclass('public.goose_db_version') is not null as goose,
    to_regclass('public._prisma_migrations') is not null as prisma,
    to_regclass('public.refinery_schema_history') is not null as refinery
from (
    select exists (
        select
        from pg_catalog.pg_attribute
        where attrelid = to_regclass('public.schema_migrations')
          and attname = 'dirty'
          and not attisdropped
    ) as has_dirty
) d
