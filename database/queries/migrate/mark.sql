-- Changes what the history says of migrations, each change with its row among the attempts.
-- $1: changes, an array of objects, $2: point in time as refinery writes it
with change as materialized (
    select *
    from jsonb_to_recordset($1) as c (
        version bigint,
        name text,
        entry text,
        forget boolean,
        checksum text,
        sql text,
        action text,
        message text
    )
),
added as (
    insert into toysoldiers.history (version, name, applied_on, checksum, duration_ms)
    select version, name, $2, checksum, 0
    from change
    where entry = 'add'
    returning version
),
altered as (
    update toysoldiers.history h
    set name = c.name,
        checksum = c.checksum
    from change c
    where c.entry = 'alter'
      and h.version = c.version
    returning h.version
),
removed as (
    delete from toysoldiers.history h
    using change c
    where c.entry = 'remove'
      and h.version = c.version
    returning h.version
),
forgotten as (
    delete from toysoldiers.steps s
    using change c
    where c.forget
      and s.version = c.version
),
told as (
    insert into toysoldiers.runs (version, name, action, outcome, checksum, sql, message)
    select version, name, action, 'done', checksum, sql, message
    from change
    order by version
)
select (select count(*) from added) + (select count(*) from altered) + (select count(*) from removed) as entries
