//! Connections that break while a migration runs: what became of it is found out.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::proxy::Proxy;
use crate::support::{Database, Tool};

/// Two migrations, on their way through a proxy.
fn through(second: &str) -> (Database, Proxy, Tool) {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", second),
        ("003_c.sql", "create table c();"),
    ]);
    let proxy = Proxy::start(Database::port());
    let url = proxy.url(&database, "postgres");
    let tool = tool.at(&url).hide(&proxy.port().to_string(), "PORT");
    (database, proxy, tool)
}

fn applied(database: &Database) -> Vec<String> {
    database.sql("select version from toysoldiers.history order by version")
}

#[test]
fn an_answer_that_is_lost_after_the_commit_is_found_out_and_the_rest_is_applied() {
    let (database, proxy, tool) = through("create table b();");
    // The whole migration is one message: it reaches the server, its answer nobody.
    proxy.cut_at("create table b()");
    assert_snapshot!(tool.run(&["migrate", "up"]).without_waiting(), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    applied 002_b (the connection was lost before the server's answer came)
    applied 003_c (1 statement, DURATION)
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    warning: the connection was lost while 002_b ran; connecting again to find out what became of it
    applied 3 migrations in DURATION (database/migrations); the database is at 003_c
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    warning: database/migrations/003_c.sql:1:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(applied(&database), ["1", "2", "3"]);
    assert_eq!(
        database.value("select count(*) from toysoldiers.runs where outcome = 'done'"),
        "3"
    );
}

#[test]
fn an_answer_that_is_lost_before_the_migration_fails_is_no_commit() {
    let (database, proxy, tool) = through("create table b();\nselect 1/0;");
    proxy.cut_at("create table b()");
    assert_snapshot!(tool.run(&["migrate", "up"]).without_waiting(), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    warning: the connection was lost while 002_b ran; connecting again to find out what became of it
    error: the connection was lost while 002_b.sql ran
      caused by: the server closed the connection
      note: nothing of 002_b was kept; 001_a is the last applied migration
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(applied(&database), ["1"]);
    assert_eq!(database.value("select to_regclass('b') is null"), "t");
}

#[test]
fn a_migration_still_running_when_its_connection_breaks_is_waited_for() {
    let (database, proxy, tool) =
        through("select pg_advisory_lock(11), pg_advisory_unlock(11);\ncreate table b();");
    let gate = database.session("select pg_advisory_lock(11)");
    proxy.cut_at("pg_advisory_lock");
    let mut runner = tool.spawn(&["migrate", "up", "--lock-timeout", "10m"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut said = Vec::new();
    let waits = lines.by_ref().any(|line| {
        said.push(line);
        said[said.len() - 1].starts_with("waiting for another run to end: pid ")
    });
    assert!(waits, "{said:#?}");
    gate.sql("select pg_advisory_unlock(11)");
    assert!(lines.any(|line| line.starts_with("applied 3 migrations ")));
    // Whoever stops listening may end it.
    lines.for_each(drop);
    tool.outcome(runner).ok();
    assert_eq!(applied(&database), ["1", "2", "3"]);
}

#[test]
fn without_a_transaction_the_statements_that_are_done_stay() {
    let (database, proxy, tool) = through(
        "-- toysoldiers: no-transaction\ncreate table b(n int);\nvacuum a;\ninsert into b values (1);\n",
    );
    proxy.cut_at("vacuum a");
    assert_snapshot!(tool.run(&["migrate", "up"]).without_waiting(), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    warning: the connection was lost while 002_b ran; connecting again to find out what became of it
    error: the connection was lost while 002_b.sql ran
      caused by: the server closed the connection
      note: 1 of 3 statements of 002_b are done and stay; 001_a is the last applied migration
      note: how far statement 2 came is not known; the next `migrate up` finds out, and goes on
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(applied(&database), ["1"]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 002_b (3 statements, DURATION)
    applied 003_c (1 statement, DURATION)
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    002_b: 1 of 3 statements are done; going on with statement 2
    applied 2 migrations in DURATION (database/migrations); the database is at 003_c
    warning: database/migrations/002_b.sql:2:14: the table b is made without row-level security (table-without-row-security)
    warning: database/migrations/003_c.sql:1:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(applied(&database), ["1", "2", "3"]);
    assert_eq!(database.value("select count(*) from b"), "1");
}

#[test]
fn a_build_that_came_to_its_end_unheard_is_not_done_twice() {
    let (database, proxy, tool) = through(
        "-- toysoldiers: no-transaction\nalter table a add n int;\ncreate index concurrently a_n on a(n);\n",
    );
    proxy.cut_at("create index concurrently a_n on a(n)");
    tool.run(&["migrate", "up"]).code(5);
    database.wait_until("select not exists (select from pg_stat_progress_create_index where datname = current_database())");
    let outcome = tool.run(&["migrate", "up"]).ok().to_string();
    assert!(
        outcome.contains("002_b: 1 of 2 statements are done; going on with statement 2"),
        "{outcome}"
    );
    assert_eq!(applied(&database), ["1", "2", "3"]);
    assert_eq!(
        database.sql("select indisvalid from pg_index where indrelid = 'a'::regclass"),
        ["t"]
    );
}

#[test]
fn of_one_transaction_all_or_nothing_is_found() {
    let (database, proxy, tool) = through("create table b();");
    proxy.cut_at("create table c()");
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]).without_waiting(), @"
    -- stdout
    applied 001_a (the connection was lost before the server's answer came)
    applied 002_b (the connection was lost before the server's answer came)
    applied 003_c (the connection was lost before the server's answer came)
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    warning: the connection was lost while 003_c ran; connecting again to find out what became of it
    applied 3 migrations in DURATION (database/migrations); the database is at 003_c
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    warning: database/migrations/003_c.sql:1:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(applied(&database), ["1", "2", "3"]);
    let (database, proxy, tool) = through("create table b();");
    proxy.cut_at("create table b()");
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]).without_waiting(), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    warning: the connection was lost while 002_b ran; connecting again to find out what became of it
    error: the connection was lost while 002_b.sql ran
      caused by: the server closed the connection
      note: nothing of 002_b was kept; no migration is applied
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(applied(&database).len(), 0);
}

#[test]
fn a_server_that_stays_away_leaves_it_unknown() {
    let (database, proxy, tool) = through("select pg_advisory_lock(11);");
    let gate = database.session("select pg_advisory_lock(11)");
    let runner = tool.spawn(&["migrate", "up", "--lock-timeout", "10m"]);
    database.wait_until(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = 11 and not granted and database = (select oid from pg_database where datname = current_database()))",
    );
    drop(proxy);
    let outcome = tool.outcome(runner).code(5).to_string();
    assert!(
        outcome.contains("note: whether 002_b was kept is not known; before it, 001_a is the last applied migration"),
        "{outcome}"
    );
    gate.sql("select pg_advisory_unlock(11)");
}
