//! `migrate down`: undoing migrations.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

const FILES: [(&str, &str); 6] = [
    ("001_a.sql", "create table a(id int);"),
    ("001_a.down.sql", "drop table a;"),
    ("002_b.sql", "create table b(id int);"),
    (
        "002_b.down.sql",
        "-- Nobody has it.\n-- toysoldiers: lock-timeout 5s\nset local statement_timeout = 0;\ndrop table b;\n",
    ),
    ("003_c.sql", "create table c(id int);"),
    ("003_c.down.sql", "drop table c;"),
];

fn applied() -> (Database, Tool) {
    let (database, tool) = with(&FILES);
    tool.run(&["migrate", "up"]).ok();
    (database, tool)
}

fn down(database: &Database, tool: &Tool, words: &[&str]) -> Outcome {
    tool.run(&[&["migrate", "down"], words, &["--confirm", &database.name]].concat())
}

fn history(database: &Database) -> String {
    database
        .sql("select version || ' ' || name from toysoldiers.history order by version")
        .join(", ")
}

fn runs(database: &Database) -> String {
    database
        .sql("select version, name, action, outcome, message, sqlstate, sql, statements, actor like '%@%' and tool_version <> '' from toysoldiers.runs where action = 'down' order by id")
        .join("\n")
}

#[test]
fn the_last_migration_is_undone() {
    let (database, tool) = applied();
    assert_snapshot!(tool.run(&["migrate", "down", "--dry-run"]), @"
    -- stdout
    plan: undo 003_c
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    tool.run(&["migrate", "down", "--yes"]).code(6);
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
    assert_snapshot!(down(&database, &tool, &[]), @"
    -- stdout
    MIGRATION  STATEMENTS  DURATION
    003_c  1 DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: undo 003_c
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
    undid 1 migration in DURATION (database/migrations); the database is at 002_b
    -- exit 0
    ");
    assert_eq!(history(&database), "1 a, 2 b");
    assert_eq!(database.value("select to_regclass('c') is null"), "t");
    assert_snapshot!(runs(&database), @"3|c|down|done|||drop table c;|1|t");
    // What was undone is pending.
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
}

#[test]
fn several_are_undone_the_last_one_first() {
    let (database, tool) = applied();
    assert_snapshot!(tool.run(&["migrate", "down", "--to", "001_a", "--dry-run"]), @"
    -- stdout
    plan: undo 2 migrations
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
      undo 002_b  (with database/migrations/002_b.down.sql)
          set local statement_timeout = 0
          drop table b
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(down(&database, &tool, &["--to", "1", "-o", "json"]), @r#"
    -- stdout
    {
      "source": "database/migrations",
      "undone": [
        {
          "migration": "003_c",
          "statements": 1,
          "duration_ms": 0
        },
        {
          "migration": "002_b",
          "statements": 2,
          "duration_ms": 0
        }
      ],
      "current": "001_a",
      "duration_ms": 0
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: undo 2 migrations
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
      undo 002_b  (with database/migrations/002_b.down.sql)
          set local statement_timeout = 0
          drop table b
    -- exit 0
    "#);
    assert_eq!(history(&database), "1 a");
    assert_snapshot!(down(&database, &tool, &["--to", "1"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to undo: the database is at 001_a
    -- exit 0
    ");
    assert_snapshot!(down(&database, &tool, &["--to", "2"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b is not applied, so nothing goes back to it
      note: nothing was changed
      hint: see what is with `toysoldiers migrate status`
    -- exit 6
    ");
    assert_snapshot!(down(&database, &tool, &["--to", "4"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration 4 in the history
      note: nothing was changed
      hint: see all of them with `toysoldiers migrate status`
    -- exit 1
    ");
    assert_snapshot!(down(&database, &tool, &["--steps", "2"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 2 migrations cannot be undone: 1 is applied
      note: nothing was changed
      hint: see them with `toysoldiers migrate status`
    -- exit 6
    ");
    assert_snapshot!(down(&database, &tool, &["--to", "0"]), @"
    -- stdout
    MIGRATION  STATEMENTS  DURATION
    001_a  1 DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: undo 001_a
      undo 001_a  (with database/migrations/001_a.down.sql)
          drop table a
    undid 1 migration in DURATION (database/migrations); the database is at no migration
    -- exit 0
    ");
    assert_eq!(history(&database), "");
    assert_snapshot!(down(&database, &tool, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 1 migration cannot be undone: none is applied
      note: nothing was changed
      hint: see them with `toysoldiers migrate status`
    -- exit 6
    ");
    tool.run(&["migrate", "down", "--steps", "0"]).code(2);
}

#[test]
fn what_no_file_undoes_is_refused_before_anything_runs() {
    let (database, tool) = with(&[
        (
            "001_a.sql",
            "-- toysoldiers: irreversible because \"the old values are gone\"\ncreate table a();",
        ),
        ("002_b.sql", "create table b();"),
        ("003_c.sql", "create table c();"),
        ("003_c.down.sql", "drop table c;"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_snapshot!(down(&database, &tool, &["--to", "0"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b, 001_a cannot be undone: no file does it
      note: there is no database/migrations/002_b.down.sql
      note: 001_a is irreversible: the old values are gone
      note: nothing was changed
      hint: write what undoes it into that file, or make the change in a new migration
    -- exit 6
    ");
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
    tool.write(
        "database/migrations/002_b.down.sql",
        "-- toysoldiers: no-transaction\ndrop table b;",
    );
    assert_snapshot!(down(&database, &tool, &["--steps", "2"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.down.sql cannot be applied
      caused by: a file that undoes a migration runs in a transaction
      --> database/migrations/002_b.down.sql:1:17
         |
       1 | -- toysoldiers: no-transaction
         |                 ^^^^^^^^^^^^^^
      note: nothing was run
      hint: leave out `no-transaction`, and write statements without CONCURRENTLY; or undo the migration in a new one
    -- exit 6
    ");
    tool.write(
        "database/migrations/002_b.down.sql",
        "drop table b; commit;",
    );
    let outcome = down(&database, &tool, &["--steps", "2"]).code(1);
    assert!(outcome.stderr.contains("002_b.down.sql:1:15"), "{outcome}");
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
    // A file counts for more than the word of its author, who is quoted.
    tool.write("database/migrations/002_b.down.sql", "drop table b;");
    tool.write("database/migrations/001_a.down.sql", "drop table a;");
    tool.write("database/migrations/002_b.sql", "create table b(id int);");
    assert_snapshot!(tool.run(&["migrate", "down", "--to", "0", "--dry-run"]), @"
    -- stdout
    plan: undo 3 migrations
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
      undo 002_b  (with database/migrations/002_b.down.sql)
          the file of the migration was edited after it ran
          drop table b
      undo 001_a  (with database/migrations/001_a.down.sql)
          its author calls it irreversible: the old values are gone
          drop table a
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
}

#[test]
fn a_file_that_fails_leaves_its_migration_applied() {
    let (database, tool) = applied();
    tool.write(
        "database/migrations/002_b.down.sql",
        "drop table a;\ndrop table bb;\n",
    );
    assert_snapshot!(down(&database, &tool, &["--to", "0"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: undo 3 migrations
      undo 003_c  (with database/migrations/003_c.down.sql)
          drop table c
      undo 002_b  (with database/migrations/002_b.down.sql)
          drop table a
          drop table bb
      undo 001_a  (with database/migrations/001_a.down.sql)
          drop table a
    error: cannot undo 002_b: 002_b.down.sql failed
      caused by: table "bb" does not exist
      --> database/migrations/002_b.down.sql:2:1
         |
       2 | drop table bb;
         | ^^^^^^^^^^^^^
      note: 002_b is applied as it was; 003_c was undone before
      hint: fix the file and run `toysoldiers migrate down` again
    -- exit 1
    "#);
    assert_eq!(history(&database), "1 a, 2 b");
    assert_eq!(database.value("select to_regclass('a') is not null"), "t");
    assert_snapshot!(runs(&database), @r#"
    3|c|down|done|||drop table c;|1|t
    2|b|down|failed|table "bb" does not exist|42P01|||t
    "#);
    tool.write(
        "database/migrations/002_b.down.sql",
        "drop table b;\nset local toysoldiers.x = 1;\nset role pg_read_all_data;\n",
    );
    down(&database, &tool, &["--to", "0"]).ok();
    assert_eq!(history(&database), "");
}

#[test]
fn a_half_done_migration_has_to_be_finished_first() {
    let (database, tool) = applied();
    tool.write(
        "database/migrations/004_d.sql",
        "-- toysoldiers: no-transaction\nvacuum a;\nvacuum b;",
    );
    database.sql(
        "insert into toysoldiers.steps (version, number, hash, sql) values (4, 1, 'x', 'vacuum a')",
    );
    assert_snapshot!(down(&database, &tool, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 004_d stands half-done
      note: nothing was changed
      hint: finish it with `toysoldiers migrate up`
      hint: or say how it stands: `toysoldiers migrate repair 004_d --done` or `--undone`
    -- exit 6
    ");
}

#[test]
fn a_lock_is_not_waited_for_forever() {
    let (database, tool) = applied();
    let _holder = database.session("begin; lock table c in access share mode");
    let outcome = down(
        &database,
        &tool,
        &["--lock-timeout", "10ms", "--retry-for", "0"],
    );
    assert_ne!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.stderr.contains("lock timeout"), "{outcome}");
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
}

#[test]
fn what_changed_since_the_plan_is_not_undone() {
    let (database, tool) = applied();
    let mut terminal = tool.terminal(&["migrate", "down"]);
    terminal.exp_string("to undo 003_c").unwrap();
    database.sql("delete from toysoldiers.history where version = 3");
    terminal.send_line(&database.name).unwrap();
    terminal
        .exp_string("the history of this database changed since the plan was shown")
        .unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(database.value("select to_regclass('c') is not null"), "t");
}
