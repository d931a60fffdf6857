//! What of `migrate up` is about how much is applied and where: a part, all in one transaction, a new database.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Server, Tool};

fn three() -> (Database, Tool) {
    with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", "create table b();"),
        ("003_c.sql", "create table c();"),
    ])
}

fn applied(database: &Database) -> String {
    database
        .sql("select version from toysoldiers.history order by version")
        .join(" ")
}

#[test]
fn as_far_as_was_said() {
    let (database, tool) = three();
    assert_snapshot!(tool.run(&["migrate", "up", "--to", "2"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    applied 002_b (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 2 migrations in DURATION (database/migrations, 1 left for later); the database is at 002_b
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(applied(&database), "1 2");
    assert_snapshot!(tool.run(&["migrate", "up", "--to", "1"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 002_b (3 migrations, database/migrations, 1 left for later)
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up", "--to", "7"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration 7 in database/migrations
      note: nothing was changed
      hint: see all of them with `toysoldiers migrate status`
    -- exit 1
    ");
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(applied(&database), "1 2 3");
}

#[test]
fn all_in_one_transaction_or_nothing() {
    let (database, tool) = three();
    tool.write(
        "database/migrations/003_c.sql",
        "create table c();\nselect 1/0;\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 003_c.sql failed
      caused by: division by zero
      --> database/migrations/003_c.sql:2:1
         |
       2 | select 1/0;
         | ^^^^^^^^^^
      note: nothing of the 3 migrations in this transaction was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    ");
    assert_eq!(applied(&database), "");
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
    tool.write("database/migrations/003_c.sql", "create table c();\n");
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction", "--dry-run"]), @"
    -- stdout
    plan: apply 3 migrations in one transaction
      apply database/migrations/001_a.sql
      apply database/migrations/002_b.sql
      apply database/migrations/003_c.sql
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    warning: database/migrations/003_c.sql:1:14: the table c is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    tool.run(&["migrate", "up", "--one-transaction"]).ok();
    assert_eq!(applied(&database), "1 2 3");
    assert_eq!(
        database.value("select count(distinct xmin::text) from toysoldiers.history"),
        "1"
    );
    assert_eq!(
        database.sql("select sql from toysoldiers.runs where outcome = 'done' order by version"),
        [
            "create table a();",
            "create table b();",
            "create table c();\n"
        ]
    );
}

#[test]
fn a_database_that_is_not_there_can_be_made() {
    let (database, tool) = three();
    let missing = Server::shared().database(&format!("{}_new", database.name));
    let tool = tool.on(&missing).hide(&missing.name, "MISSING");
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot connect to SOCKET/DB as postgres
      caused by: database "DB_new" does not exist
      hint: check its name, or have it made: `toysoldiers migrate up --create-db`
    -- exit 5
    "#);
    assert_snapshot!(tool.run(&["migrate", "up", "--create-db", "--dry-run"]), @"
    -- stdout
    plan: create the database MISSING and apply 3 migrations
      create the database MISSING
      apply database/migrations/001_a.sql
      apply database/migrations/002_b.sql
      apply database/migrations/003_c.sql
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    let there = format!(
        "select count(*) from pg_database where datname = '{}'",
        missing.name
    );
    tool.write("database/migrations/003_c.sql", "commit;");
    assert_snapshot!(tool.run(&["migrate", "up", "--create-db"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/003_c.sql cannot be applied
      caused by: COMMIT does not belong in a migration: each one is a transaction of its own
      --> database/migrations/003_c.sql:1:1
         |
       1 | commit;
         | ^^^^^^
      note: nothing was run
      hint: remove the transaction control; everything in the file happens, or nothing does
    -- exit 1
    ");
    assert_eq!(database.value(&there), "0");
    tool.write("database/migrations/003_c.sql", "create table c();");
    assert_snapshot!(tool.run(&["migrate", "up", "--create-db"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    applied 002_b (1 statement, DURATION)
    applied 003_c (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    created the database MISSING
    applied 3 migrations in DURATION (database/migrations); the database is at 003_c
    -- exit 0
    ");
    assert_eq!(applied(&missing), "1 2 3");
    assert_snapshot!(tool.run(&["migrate", "up", "--create-db"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 003_c (3 migrations, database/migrations)
    -- exit 0
    ");
    database.sql(&format!("drop database {}", missing.name));
}

#[test]
fn a_role_that_may_not_make_a_database_is_told() {
    let (database, tool) = three();
    let role = format!("poor_{}", database.name);
    database.sql(&format!("create role {role} login"));
    let missing = Server::shared().database(&format!("{}_none", database.name));
    let tool = tool
        .on_as(&missing, &role)
        .hide(&missing.name, "MISSING")
        .hide(&role, "ROLE");
    assert_snapshot!(tool.run(&["migrate", "up", "--create-db"]), @"
    -- stderr
    -> (url)  SOCKET/DB as ROLE
    error: cannot create the database MISSING
      caused by: permission denied to create database
      hint: connect as a role that has this right, or have it granted
    -- exit 6
    ");
    database.sql(&format!("drop role {role}"));
}

#[test]
fn a_stream_has_an_event_for_everything() {
    let (_, tool) = three();
    let outcome = tool.run(&["migrate", "up", "-o", "ndjson"]).ok();
    let events: Vec<serde_json::Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<String> = events
        .iter()
        .map(|event| {
            format!(
                "{} {}",
                event["event"].as_str().unwrap(),
                event["object"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "applying 001_a",
            "applied 001_a",
            "applying 002_b",
            "applied 002_b",
            "applying 003_c",
            "applied 003_c",
            "done 003_c"
        ]
    );
    assert_eq!(events[1]["statements"], 1);
    assert!(events[1]["duration_ms"].is_u64());
    assert_eq!(events[6]["applied"], 3);
}

#[test]
fn what_ran_is_kept_letter_by_letter() {
    let text = "-- é 日本 \\ ' $$\nselect E'\\\\', 'it''s';\n\tselect $x$ $$ $x$; -- no newline";
    let (database, tool) = with(&[
        ("001_a.sql", text),
        ("002_b.sql", "begin;\nselect 1;\ncommit;\n"),
        ("003_c.sql", "-- toysoldiers: no-transaction\nselect 'é';\n"),
        (
            "004_d.sql",
            "create table d(a text);\ncopy d from stdin;\na\\\\b\n\\.\n",
        ),
        ("005_e.sql", ""),
    ]);
    tool.run(&["migrate", "up"]).ok();
    for (number, file) in (1..).zip(["001_a", "002_b", "003_c", "004_d", "005_e"]) {
        let path = format!("database/migrations/{file}.sql");
        let text = std::fs::read_to_string(tool.path().join(path)).unwrap();
        let same = database.value(&format!(
            "select sql = $text${text}$text$ from toysoldiers.runs where version = {number}"
        ));
        assert_eq!(same, "t", "{file}");
    }
    // An editor on another system changes nothing.
    tool.write(
        "database/migrations/001_a.sql",
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
    );
    tool.run(&["migrate", "status", "--check"]).ok();
}
