-- The statements that ran, or began, of migrations without a transaction that are not at their end.
select
    version,
    number,
    hash,
    sql as text,
    finished_at is not null as finished
from toysoldiers.steps
order by version, number
