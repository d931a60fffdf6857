-- Writes down who does something, beside what is done or before it.
-- $1: what it is a part of, $2: what is done, as JSON
with entry as (
    select $1::text as action, null::uuid as subject, $2::jsonb as details
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select id
from audited
