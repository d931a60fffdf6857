-- The statements of a migration without a transaction that is not at its end, as far as it got.
-- $1: number of the migration
select
    number,
    hash,
    started_at,
    finished_at
from toysoldiers.steps
where version = $1
order by number
