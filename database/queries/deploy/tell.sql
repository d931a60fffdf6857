-- Writes down how far a deploy came, or how it ended; its end is in the audit log as well.
-- $1: its number, $2: `running`, `done` or `failed`, $3: what the parts did, as JSON, $4: why it failed, or null
with told as (
    update toysoldiers.deploys
    set outcome = $2,
        stages = $3,
        message = $4,
        finished_at = case when $2 <> 'running' then clock_timestamp() end,
        duration_ms = case
            when $2 <> 'running' then (extract(epoch from clock_timestamp() - started_at) * 1000)::bigint
        end
    where id = $1
    returning *
),
entry as (
    select
        'deploy' as action,
        null::uuid as subject,
        jsonb_build_object(
            'deploy', t.id,
            'outcome', t.outcome,
            'revision', t.revision,
            'dirty', t.dirty,
            'stages', t.stages,
            'message', t.message
        ) as details
    from told t
    where t.outcome <> 'running'
),
audited as (
    select toysoldiers.audit(action, subject, details) as id from entry
)
select t.id
from told t
where (select count(*) from audited) >= 0
