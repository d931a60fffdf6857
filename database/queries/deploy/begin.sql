-- Writes down a deploy: one that begins, or one that found nothing to do. Whatever still counts as running, while the
-- lock is held by the one that begins or by nobody, was killed.
-- $1: `running`, or `done` if there is nothing to do, $2: commit of the files, or null, $3: whether they were changed
-- since, or null, $4: what the parts are to do, as JSON, $5: whether another one has the lock of deploys
with lost as (
    update toysoldiers.deploys
    set outcome = 'lost'
    where outcome = 'running'
      and not $5
)
insert into toysoldiers.deploys
    (actor, tool_version, outcome, revision, dirty, stages, finished_at, duration_ms)
values (
    current_setting('toysoldiers.actor'),
    current_setting('toysoldiers.tool_version'),
    $1,
    $2,
    $3,
    $4,
    case when $1 = 'done' then clock_timestamp() end,
    case when $1 = 'done' then 0 end
)
returning id
