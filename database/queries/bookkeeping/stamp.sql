-- Stamps the database and writes it down, in one statement; only while it bears the stamp that was seen. Tells the
-- stamp afterwards, whoever's it is.
-- $1: environment, $2: the stamp that was seen, or null, $3: who does it, $4: version of the tool, $5: by which command
with stamped as (
    update toysoldiers.installation
    set environment = $1
    where environment is not distinct from $2
      and environment is distinct from $1
    returning environment
),
audited as (
    insert into toysoldiers.audit_log (actor, tool_version, action, details)
    select $3, $4, $5, jsonb_build_object('stamp', $1::text, 'before', $2::text)
    from stamped
)
select
    coalesce((select environment from stamped), i.environment) as environment,
    exists (select from stamped) as changed
from toysoldiers.installation i
