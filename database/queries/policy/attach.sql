-- Forgets what was kept of detached policies, which are there again or are given up, and writes down which.
-- $1: schema and $2: name of the relation because of which they were detached, $3: ids of the rows as an array,
-- $4: ids of those that were made again, likewise
with gone as (
    delete from toysoldiers.detached
    where to_jsonb(id) <@ $3
    returning id, table_schema || '.' || table_name || '.' || policy as title
),
entry as (
    select
        'policy attach' as action,
        null::uuid as subject,
        jsonb_build_object(
            'relation', $1 || '.' || $2,
            'attached', coalesce(jsonb_agg(title order by title) filter (where to_jsonb(id) <@ $4), '[]'),
            'forgotten', coalesce(jsonb_agg(title order by title) filter (where not to_jsonb(id) <@ $4), '[]')
        ) as details
    from gone
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select count(*) as count
from gone
where exists (select from audited)
