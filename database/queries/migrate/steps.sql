-- The statements that ran, or began, of migrations without a transaction that are not at their end.
-- $1: number of one migration, or null for all
select
    version,
    number,
    hash,
    sql as text,
    finished_at is not null as finished
from toysoldiers.steps
where $1::bigint is null or version = $1
order by version, number
