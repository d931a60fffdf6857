-- What Prisma applied, without what it was told to be rolled back; its number is what the name begins with.
select
    split_part(p.migration_name, '_', 1) as version,
    p.finished_at::timestamptz as applied_at,
    null::text as applied_by,
    p.finished_at is not null as done,
    p.checksum::text as checksum,
    'SQL' as kind
from public._prisma_migrations p
where p.rolled_back_at is null
order by p.migration_name
