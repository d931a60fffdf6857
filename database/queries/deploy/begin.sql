-- Writes down a deploy: one that begins, or one that found nothing to do. Whatever still counts as running, while the
-- lock is held by the one that begins or by nobody, was killed.
-- $1: who, $2: version of the tool, $3: `running`, or `done` if there is nothing to do, $4: commit of the files, or
-- null, $5: whether they were changed since, or null, $6: what the parts are to do, as JSON, $7: whether
-- another one has the lock of deploys
with lost as (
    update toysoldiers.deploys
    set outcome = 'lost'
    where outcome = 'running'
      and not $7
)
insert into toysoldiers.deploys
    (actor, tool_version, outcome, revision, dirty, stages, finished_at, duration_ms)
values (
    $1,
    $2,
    $3,
    $4,
    $5,
    $6,
    case when $3 = 'done' then clock_timestamp() end,
    case when $3 = 'done' then 0 end
)
returning id
