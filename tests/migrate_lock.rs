//! Locks that others hold: waited for briefly, tried again, and told of.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::migrate::with;

const ATTEMPT: &[&str] = &["migrate", "up", "--lock-timeout", "200ms"];

#[test]
fn a_lock_that_is_given_back_is_had_at_a_later_attempt() {
    let (database, tool) = with(&[(
        "001_b.sql",
        "insert into log values (1);\nalter table a add b int;",
    )]);
    database.sql("create table a(); create table log(n int)");
    let holder = database.session("begin; select * from a");
    let mut runner = tool.spawn(ATTEMPT);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waits = lines
        .by_ref()
        .find(|line| line.contains(" waits for "))
        .unwrap();
    assert!(
        waits.starts_with("001_b waits for pid ") && waits.ends_with(": begin; select * from a"),
        "{waits}"
    );
    let again = lines
        .by_ref()
        .find(|line| line.contains("trying again"))
        .unwrap();
    assert!(
        again.starts_with("001_b: canceling statement due to lock timeout, held by pid "),
        "{again}"
    );
    // While it is not at it, others are not in its way either.
    database.sql("select * from a");
    holder.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 1 migration in ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value("select count(*) from log"), "1");
}

#[test]
fn of_migrations_in_one_transaction_all_are_tried_again() {
    let (database, tool) = with(&[
        ("001_a.sql", "insert into log values (1);"),
        ("002_b.sql", "alter table a add b int;"),
    ]);
    database.sql("create table a(); create table log(n int)");
    let holder = database.session("begin; select * from a");
    let mut runner = tool.spawn(&[ATTEMPT, &["--one-transaction"]].concat());
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let again = lines
        .by_ref()
        .find(|line| line.contains("trying again"))
        .unwrap();
    assert!(again.starts_with("001_a to 002_b: "), "{again}");
    assert_eq!(database.value("select count(*) from log"), "0");
    holder.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 2 migrations in ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value("select count(*) from log"), "1");
}

#[test]
fn a_statement_without_transaction_is_tried_again_by_itself() {
    let (database, tool) = with(&[(
        "001_b.sql",
        "-- toysoldiers: no-transaction\ninsert into log values (1);\nalter table a add b int;\nvacuum a;",
    )]);
    database.sql("create table a(); create table log(n int)");
    let holder = database.session("begin; select * from a");
    let mut runner = tool.spawn(ATTEMPT);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines
        .by_ref()
        .find(|line| line.contains("trying again"))
        .unwrap();
    assert_eq!(database.value("select count(*) from log"), "1");
    holder.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 1 migration in ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value("select count(*) from log"), "1");
}

#[test]
fn a_deadlock_is_tried_again() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "lock table a in access exclusive mode;\nselect pg_advisory_lock(7);\nlock table b in access exclusive mode;\nselect pg_advisory_unlock(7);",
    )]);
    database.sql("create table a(); create table b()");
    // The migration gets a, and stops; the other gets b, lets it go on, and wants a: a deadlock. Whoever waits
    // longer than a second looks for one, and that is the migration: the other does not look.
    let gate = database.session("select pg_advisory_lock(7)");
    let other = database
        .session("set deadlock_timeout = '1h'; begin; lock table b in access exclusive mode");
    let runner = tool.spawn(&["migrate", "up", "--lock-timeout", "1m"]);
    database.wait_until(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = 7 and not granted and database = (select oid from pg_database where datname = current_database()))",
    );
    std::thread::scope(|scope| {
        scope.spawn(|| other.sql("lock table a in access exclusive mode; commit"));
        database.wait_until(
            "select exists (select from pg_locks where relation = 'a'::regclass and not granted)",
        );
        gate.sql("select pg_advisory_unlock(7)");
    });
    let outcome = tool.outcome(runner).ok().to_string();
    assert!(outcome.contains("001_a: deadlock detected"), "{outcome}");
}

#[test]
fn a_stream_tells_of_every_attempt() {
    let (database, tool) = with(&[
        ("001_a.sql", "select 1;"),
        ("002_b.sql", "alter table a add b int;"),
    ]);
    database.sql("create table a()");
    let holder = database.session("begin; select * from a");
    let mut runner = tool.spawn(&[ATTEMPT, &["-o", "ndjson"]].concat());
    let mut events = BufReader::new(runner.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    let retrying = events
        .by_ref()
        .find(|event| event["event"] == "retrying")
        .unwrap();
    assert_eq!(retrying["object"], "002_b");
    assert!(retrying["pause_ms"].is_u64() && retrying["message"].is_string());
    holder.sql("commit");
    let rest: Vec<String> = events
        .filter(|event| event["event"] != "retrying")
        .map(|event| format!("{} {}", event["event"], event["object"]))
        .collect();
    assert_eq!(rest, ["\"applied\" \"002_b\"", "\"done\" \"002_b\""]);
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_timeout_of_the_role_does_not_stop_a_migration() {
    let (database, tool) = with(&[("001_a.sql", "select pg_sleep(0.2);\ncreate table a();")]);
    let name = format!("impatient_{}", database.name);
    database.sql(&format!(
        "create role {name} superuser login; alter role {name} set statement_timeout = '100ms'; alter role {name} set lock_timeout = '1ms'"
    ));
    let tool = tool.on_as(&database, &name);
    tool.run(&["migrate", "up"]).ok();
    database.sql(&format!(
        "reassign owned by {name} to postgres; drop owned by {name}; drop role {name}"
    ));
}

#[test]
fn a_role_without_rights_is_told_and_nothing_is_kept() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let name = format!("nobody_{}", database.name);
    database.sql(&format!("create role {name} login"));
    let tool = tool
        .on_as(&database, &name)
        .hide(&name, "ROLE")
        .hide(&format!("database {}", database.name), "database DB");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as ROLE
    error: cannot make the schema toysoldiers, which remembers the migrations
      caused by: permission denied for database DB
      hint: connect as a role that has this right, or have it granted
    -- exit 6
    ");
    database.sql(&format!("drop role {name}"));
}
