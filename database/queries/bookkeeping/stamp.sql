-- Stamps the database and writes it down, in one statement; only while it bears the stamp that was seen. Tells the
-- stamp afterwards, whoever's it is.
-- $1: environment, $2: the stamp that was seen, or null, $3: by which command
with stamped as (
    update toysoldiers.installation
    set environment = $1
    where environment is not distinct from $2
      and environment is distinct from $1
    returning environment
),
entry as (
    select
        $3 as action,
        null::uuid as subject,
        jsonb_build_object('stamp', $1::text, 'before', $2::text) as details
    from stamped
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select
    coalesce((select environment from stamped), i.environment) as environment,
    exists (select from audited) as changed
from toysoldiers.installation i
