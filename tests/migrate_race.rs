//! Several runners at once, and runners that are interrupted.

use std::io::{BufRead, BufReader};

use crate::migrate::with;
use crate::support::{Database, Tool};

/// The key of the runner's lock.
const KEY: i64 = toysoldiers::pg::lock::MIGRATE;

/// Runners on an empty database: one applies everything, the others find it done, and none fails.
pub fn all_at_once(runners: usize) {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    let started: Vec<_> = (0..runners)
        .map(|_| tool.spawn(&["migrate", "up", "-o", "json"]))
        .collect();
    let counts: Vec<usize> = started
        .into_iter()
        .map(|runner| {
            tool.outcome(runner).ok().json()["applied"]
                .as_array()
                .unwrap()
                .len()
        })
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 10, "{counts:?}");
    assert_eq!(
        counts.iter().filter(|count| **count > 0).count(),
        1,
        "{counts:?}"
    );
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "10"
    );
}

#[test]
fn runners_started_together_apply_everything_once_and_none_fails() {
    for _ in 0..2 {
        all_at_once(4);
    }
}

#[test]
fn the_second_runner_says_who_holds_the_lock_and_then_goes_on() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    let mut runner = tool.spawn(&["migrate", "up"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waiting = lines
        .by_ref()
        .find(|line| line.starts_with("waiting"))
        .unwrap();
    assert!(
        waiting.starts_with("waiting for another run to end: pid "),
        "{waiting}"
    );
    assert!(
        waiting.contains("(tests as postgres, from this machine, connected for "),
        "{waiting}"
    );
    holder.sql(&format!("select pg_advisory_unlock({KEY})"));
    assert!(lines.any(|line| line.starts_with("applied 1 migration ")));
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_runner_waits_no_longer_than_was_said() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let _holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    insta::assert_snapshot!(tool.run(&["migrate", "up", "--wait", "1ms"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: another run is at work on this database
      note: the lock is held by pid PID (tests as postgres, from this machine, connected for DURATION)
      note: nothing was changed
      hint: wait for it to end, or allow more time with `--wait`
    -- exit 6
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

#[test]
fn a_runner_waiting_for_the_lock_does_not_block_an_index_built_concurrently() {
    let (database, tool) = with(&[("001_a.sql", "create table b();")]);
    database.sql("create table a(id int)");
    let holder = database.session(&format!("select pg_advisory_lock({KEY})"));
    let runner = tool.spawn(&["migrate", "up"]);
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and application_name = 'toysoldiers')");
    // The holder of the lock builds; were the other waiting inside a statement, this would be a deadlock.
    holder.sql("create index concurrently a_id on a(id)");
    holder.sql(&format!("select pg_advisory_unlock({KEY})"));
    tool.outcome(runner).ok();
}

#[test]
fn an_interrupt_is_passed_on_to_the_server_and_keeps_nothing() {
    let (database, tool) = with(&[("001_a.sql", "create table a();\nselect pg_sleep(600);")]);
    let runner = tool.spawn(&["migrate", "up"]);
    let asleep = "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";
    database.wait_until(asleep);
    let pid = rustix::process::Pid::from_raw(i32::try_from(runner.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    insta::assert_snapshot!(tool.outcome(runner), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: interrupted
      caused by: migration 001_a.sql failed
      caused by: canceling statement due to user request
      --> database/migrations/001_a.sql:2:1
         |
       2 | select pg_sleep(600);
         | ^^^^^^^^^^^^^^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: run it again to go on
    -- exit 130
    ");
    database.wait_until(&format!(
        "select not ({})",
        asleep.trim_start_matches("select ")
    ));
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
}
