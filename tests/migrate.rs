//! `migrate up`, `status`, `new`: what happens when all is well, and when a migration fails.

use insta::assert_snapshot;

use crate::support::{Database, Tool};

/// A program on an empty database with these migrations in its folder.
pub fn with(files: &[(&str, &str)]) -> (Database, Tool) {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    std::fs::create_dir_all(tool.path().join("database/migrations")).unwrap();
    for (name, text) in files {
        tool.write(&format!("database/migrations/{name}"), text);
    }
    (database, tool)
}

fn applied(database: &Database) -> String {
    database
        .sql("select version || ' ' || name from toysoldiers.history order by version")
        .join(", ")
}

#[test]
fn applies_the_platforms_schema_from_anywhere_and_then_has_nothing_to_do() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_roles (1 statement, DURATION)
    applied 002_identity (6 statements, DURATION)
    applied 003_touch_updated_at (2 statements, DURATION)
    applied 004_users (5 statements, DURATION)
    applied 005_creators (6 statements, DURATION)
    applied 006_content (4 statements, DURATION)
    applied 007_comments (3 statements, DURATION)
    applied 008_tips (3 statements, DURATION)
    applied 009_analytics_views (4 statements, DURATION)
    applied 010_dashboard_creator (3 statements, DURATION)
    applied 011_reading_functions (15 statements, DURATION)
    applied 012_claims_decide (1 statement, DURATION)
    applied 013_public_is_closed (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 13 migrations in DURATION (embedded in toysoldiers 0.1.0); the database is at 013_public_is_closed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 013_public_is_closed (13 migrations, embedded in toysoldiers 0.1.0)
    -- exit 0
    ");
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing_at_all() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", "create table b();"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: apply 2 migrations
      apply database/migrations/001_a.sql
      apply database/migrations/002_b.sql
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up", "--dry-run", "-o", "json"]), @r#"
    -- stdout
    {
      "title": "apply 2 migrations",
      "risk": "mild",
      "steps": [
        {
          "effect": "changes",
          "action": "apply",
          "object": "database/migrations/001_a.sql",
          "detail": ""
        },
        {
          "effect": "changes",
          "action": "apply",
          "object": "database/migrations/002_b.sql",
          "detail": ""
        }
      ]
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/002_b.sql:1:14: the table b is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    "#);
    assert_eq!(
        database
            .value("select to_regnamespace('toysoldiers') is null and to_regclass('a') is null"),
        "t"
    );
}

#[test]
fn status_of_an_untouched_database_writes_nothing() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  pending  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    0 applied, 1 pending (database/migrations)
    -- exit 0
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    tool.run(&["migrate", "status", "--check"]).code(3);
}

#[test]
fn status_shows_who_when_and_how_long() {
    let (_, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b();");
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  b  pending  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 applied, 1 pending (database/migrations)
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "status", "-o", "json"]), @r#"
    -- stdout
    {
      "source": "database/migrations",
      "migrations": [
        {
          "version": 1,
          "name": "a",
          "state": "applied",
          "applied_at": "TIME",
          "applied_by": "tester@HOST",
          "duration_ms": 0,
          "statements_done": null
        },
        {
          "version": 2,
          "name": "b",
          "state": "pending",
          "applied_at": null,
          "applied_by": null,
          "duration_ms": null,
          "statements_done": null
        }
      ]
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["migrate", "status", "-o", "csv"]).stdout, @"
    version,name,state,applied_at,applied_by,duration_ms
    1,a,applied,TIME,tester@HOST,0
    2,b,pending,,,
    ");
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["migrate", "status", "--check"]).ok();
}

#[test]
fn the_history_says_who_from_where_with_what_and_how_long() {
    let (database, tool) = with(&[("001_a.sql", "select pg_sleep(0.02);")]);
    tool.run(&["migrate", "up"]).ok();
    let row = database.value(
        "select version, name, applied_on ~ '^20\\d\\d-.*Z$', checksum ~ '^\\d+$', applied_at > now() - interval '1 hour',
                applied_by, actor ~ '^[^@]+@', client is null, tool_version, duration_ms between 20 and 60000
         from toysoldiers.history",
    );
    assert_eq!(
        row,
        format!("1|a|t|t|t|postgres|t|t|{}|t", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn refinery_itself_reads_the_history_and_finds_nothing_to_do() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("20260101000000_b.sql", "create table b();"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    let migrations = [
        refinery::Migration::unapplied("V1__a", "create table a();").unwrap(),
        refinery::Migration::unapplied("V20260101000000__b", "create table b();").unwrap(),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let report = runtime.block_on(async {
        let config: tokio_postgres::Config = database.url().parse().unwrap();
        let (mut client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut runner = refinery::Runner::new(&migrations);
        runner.set_migration_table_name("toysoldiers.history");
        runner.run_async(&mut client).await.unwrap()
    });
    assert!(report.applied_migrations().is_empty());
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_the_same_file() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "\u{feff}create table a();\r\ncreate table b();\r\n",
    )]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/001_a.sql",
        "create table a();\ncreate table b();\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 001_a (1 migration, database/migrations)
    -- exit 0
    ");
    assert_eq!(database.value("select to_regclass('b') is not null"), "t");
}

#[test]
fn what_holds_no_statement_runs_and_says_so() {
    let (database, tool) = with(&[
        ("001_a.sql", ""),
        ("002_b.sql", "-- later"),
        ("003_c.sql", ";;;\n"),
        ("004_d.sql", "/* x */"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (0 statements, DURATION)
    applied 002_b (0 statements, DURATION)
    applied 003_c (0 statements, DURATION)
    applied 004_d (0 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: database/migrations/001_a.sql holds no statement; it was recorded all the same
    warning: database/migrations/002_b.sql holds no statement; it was recorded all the same
    warning: database/migrations/003_c.sql holds no statement; it was recorded all the same
    warning: database/migrations/004_d.sql holds no statement; it was recorded all the same
    applied 4 migrations in DURATION (database/migrations); the database is at 004_d
    -- exit 0
    ");
    assert_eq!(applied(&database), "1 a, 2 b, 3 c, 4 d");
}

#[test]
fn a_comment_in_the_last_line_swallows_nothing() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a(); -- the end"),
        ("002_b.sql", "create table b()"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(applied(&database), "1 a, 2 b");
}

#[test]
fn a_failing_statement_shows_its_place_and_keeps_what_came_before() {
    let (database, tool) = with(&[
        (
            "001_tips.sql",
            "create table tips(status text, currency text);",
        ),
        (
            "002_currency.sql",
            "-- größer, 日本\ncreate table b();\nupdate tips set\n\tcurency = 'usd';\ncreate table c();\n",
        ),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 001_tips (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_currency.sql failed
      caused by: column "curency" of relation "tips" does not exist
      --> database/migrations/002_currency.sql:4:2
         |
       4 | 	curency = 'usd';
         | 	^^^^^^^
      note: nothing of 002_currency was kept; 001_tips is the last applied migration
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_eq!(applied(&database), "1 tips");
    assert_eq!(database.value("select to_regclass('b') is null"), "t");
    tool.write(
        "database/migrations/002_currency.sql",
        "update tips set currency = 'usd';",
    );
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(applied(&database), "1 tips, 2 currency");
}

#[test]
fn under_json_a_failure_is_a_document_in_the_last_line_of_stderr() {
    let (_, tool) = with(&[("001_a.sql", "select 1;\nselect nothing from nowhere;\n")]);
    let outcome = tool.run(&["migrate", "up", "-o", "json"]).code(1);
    assert_eq!(outcome.stdout, "");
    assert_snapshot!(serde_json::to_string_pretty(&outcome.error_json()).unwrap(), @r#"
    {
      "error": {
        "kind": "failed",
        "message": "migration 001_a.sql failed",
        "causes": [
          "relation \"nowhere\" does not exist"
        ],
        "excerpt": {
          "file": "database/migrations/001_a.sql",
          "line": 2,
          "column": 21,
          "width": 7,
          "text": "select nothing from nowhere;"
        },
        "notes": [
          "nothing of 001_a was kept; no migration is applied"
        ],
        "hints": [
          {
            "text": "fix the file and run `toysoldiers migrate up` again",
            "command": "toysoldiers migrate up"
          }
        ],
        "sqlstate": "42P01",
        "hint": "fix the file and run `toysoldiers migrate up` again",
        "exit": 1
      }
    }
    "#);
}

#[test]
fn an_error_while_running_has_no_position_but_its_statement() {
    let (_, tool) = with(&[(
        "001_a.sql",
        "create table a(n int);\n-- so far\ninsert into a values (0);\nselect 1 / n\nfrom a;\nselect 2;\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: division by zero
      --> database/migrations/001_a.sql:4:1
         |
       4 | select 1 / n
         | ^^^^^^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    ");
}

#[test]
fn syntax_errors_are_shown_where_the_server_sees_them() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a(id int);\ncreat table b(id int);\ncreate table c(id int);\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: syntax error at or near "creat"
      --> database/migrations/001_a.sql:2:1
         |
       2 | creat table b(id int);
         | ^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/001_a.sql",
        "create table a(id int);\nselect (1 +\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: syntax error at or near ";"
      --> database/migrations/001_a.sql:2:12
         |
       2 | select (1 +
         |            ^
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
}

#[test]
fn an_error_inside_a_function_names_the_function() {
    let (_, tool) = with(&[(
        "001_a.sql",
        "create function f() returns void language plpgsql as $$ begin perform no_such(); end $$;\nselect f();\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: function no_such() does not exist
      --> database/migrations/001_a.sql:2:1
         |
       2 | select f();
         | ^^^^^^^^^^
      note: in PL/pgSQL function f() line 1 at PERFORM
      note: nothing of 001_a was kept; no migration is applied
      hint: No function matches the given name and argument types. You might need to add explicit type casts
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    ");
}

#[test]
fn what_cannot_run_in_a_transaction_is_the_servers_error_and_keeps_nothing() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a(id int);\ncreate index concurrently a_id on a(id);\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/001_a.sql cannot be applied
      caused by: CREATE INDEX CONCURRENTLY cannot run in a transaction
      --> database/migrations/001_a.sql:2:1
         |
       2 | create index concurrently a_id on a(id);
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: put it into a file of its own that begins with `-- toysoldiers: no-transaction`
    -- exit 1
    ");
    tool.write(
        "database/migrations/001_a.sql",
        "create procedure p() language plpgsql as $$ begin commit; end $$;\ncall p();\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: invalid transaction termination
      --> database/migrations/001_a.sql:2:1
         |
       2 | call p();
         | ^^^^^^^^
      note: in PL/pgSQL function p() line 1 at COMMIT
      note: nothing of 001_a was kept; no migration is applied
      hint: put it into a file of its own that begins with `-- toysoldiers: no-transaction`
    -- exit 1
    ");
    assert_eq!(
        database.value("select to_regclass('a') is null and to_regproc('p') is null"),
        "t"
    );
}

#[test]
fn settings_of_one_migration_do_not_reach_the_next() {
    let (database, tool) = with(&[
        (
            "001_a.sql",
            "select pg_catalog.set_config('search_path', '', false); set statement_timeout = '7s'; create table public.a();",
        ),
        (
            "002_b.sql",
            "create table b(t text default current_setting('statement_timeout')); insert into b default values;",
        ),
        (
            "003_c.sql",
            "set session authorization pg_read_all_data; set local session authorization default;",
        ),
        (
            "004_d.sql",
            "create table d(); create temporary table t(); prepare p as select 1;",
        ),
        (
            "005_e.sql",
            "create temporary table t(); prepare p as select 2;",
        ),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(applied(&database), "1 a, 2 b, 3 c, 4 d, 5 e");
    assert_eq!(database.value("select t from public.b"), "0");
}

#[test]
fn a_migration_that_leaves_its_role_behind_is_recorded_all_the_same() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a();\nset role pg_read_all_data;\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (2 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/001_a.sql:2:1: set role pg_read_all_data holds for the session, not for this migration (session-setting)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "1"
    );
}

#[test]
fn a_lock_somebody_holds_is_waited_for_as_long_as_was_said() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", "select 1;\nalter table a add b int;"),
    ]);
    database.sql("create table a()");
    tool.write("database/migrations/001_a.sql", "select 1;");
    let _holder = database.session("begin; lock table a in access share mode");
    assert_snapshot!(tool.run(&["migrate", "up", "--lock-timeout", "5s", "--retry-for", "0"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    002_b waits for pid PID (tests as postgres, idle in transaction, in a transaction for DURATION): begin; lock table a in access share mode
    error: migration 002_b.sql failed
      caused by: canceling statement due to lock timeout
      --> database/migrations/002_b.sql:2:1
         |
       2 | alter table a add b int;
         | ^^^^^^^^^^^^^^^^^^^^^^^
      note: the lock is held by pid PID (tests as postgres, idle in transaction, in a transaction for DURATION): begin; lock table a in access share mode
      note: nothing of 002_b was kept; 001_a is the last applied migration
      hint: another session holds a lock; try again when it is done, or wait longer with `--lock-timeout`
    -- exit 6
    ");
    assert_eq!(applied(&database), "1 a");
}

#[test]
fn a_statement_may_take_as_long_as_was_said() {
    let (_, tool) = with(&[("001_a.sql", "select pg_sleep(60);")]);
    assert_snapshot!(tool.run(&["migrate", "up", "--statement-timeout", "50ms"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: canceling statement due to statement timeout
      --> database/migrations/001_a.sql:1:1
         |
       1 | select pg_sleep(60);
         | ^^^^^^^^^^^^^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: allow more time with `--statement-timeout`
    -- exit 1
    ");
}

#[test]
fn what_the_server_says_aside_is_passed_on() {
    let (_, tool) = with(&[(
        "001_a.sql",
        "create table if not exists a();\ncreate table if not exists a();\ndo $$ begin raise warning 'careful' using hint = 'look'; end $$;",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 001_a (3 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    notice: 001_a.sql: relation "a" already exists, skipping
    warning: 001_a.sql: careful (look)
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/001_a.sql:1:28: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/001_a.sql:2:28: the table a is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    "#);
}

#[test]
fn a_folder_can_be_named_by_flag_and_by_file() {
    let (database, tool) = with(&[]);
    tool.write("elsewhere/001_a.sql", "create table a();");
    tool.run(&["migrate", "up", "--migrations", "elsewhere"])
        .ok();
    assert_eq!(applied(&database), "1 a");
    tool.write("toysoldiers.toml", "[migrations]\ndir = \"elsewhere\"\n");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 001_a (1 migration, elsewhere)
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up", "--migrations", "nowhere"]), @"
    -- stderr
    error: cannot read nowhere
      caused by: no such file or directory
      hint: name the right folder, with the option for it or in toysoldiers.toml
    -- exit 4
    ");
}

#[test]
fn new_goes_on_counting_and_never_overwrites() {
    let (_, tool) = with(&[
        ("009_a.sql", "select 1;"),
        ("README.md", "not a migration"),
        ("009_a.down.sql", "select 0;"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "new", "Add tip-currency!"]), @"
    -- stdout
    path  database/migrations/010_add_tip_currency.sql
    -- stderr
    write the change into it, then run `toysoldiers migrate up`
    -- exit 0
    ");
    assert_eq!(
        std::fs::read_to_string(
            tool.path()
                .join("database/migrations/010_add_tip_currency.sql")
        )
        .unwrap(),
        "-- Add tip-currency!\n\n"
    );
    assert_snapshot!(tool.run(&["migrate", "new", "more", "--dry-run"]), @"
    -- stdout
    plan: make a migration
      write database/migrations/011_more.sql
    -- stderr
    dry run: nothing was changed
    -- exit 0
    ");
    tool.run(&["migrate", "new", "by the clock", "--timestamp"])
        .ok();
    let files = tool.folder().list("database/migrations");
    assert_eq!(files.len(), 5, "{files:?}");
    assert!(
        files
            .iter()
            .any(|file| file.len() == "20260101000000_by_the_clock.sql".len()
                && file.ends_with("_by_the_clock.sql"))
    );
    assert_snapshot!(tool.run(&["migrate", "new", "!"]), @r#"
    -- stderr
    error: the description makes no file name
      hint: describe the change in a few plain words: `toysoldiers migrate new "tip currency"`
    -- exit 2
    "#);
    assert_snapshot!(Tool::new().run(&["migrate", "new", "x"]), @"
    -- stderr
    error: there is no folder of migrations here
      hint: change to the project's folder, or name one with `--migrations`
      hint: have those in this program written out with `toysoldiers init --with-files`
    -- exit 4
    ");
    // A folder that is named is made.
    let begun = Tool::new();
    begun
        .run(&["migrate", "new", "x", "--migrations", "a/b"])
        .ok();
    assert!(begun.path().join("a/b/001_x.sql").exists());
}

#[test]
fn a_database_served_by_a_newer_program_is_refused() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    database.sql("update toysoldiers.installation set version = 99");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database was served by a newer toysoldiers (its bookkeeping has version 99, this program knows 7)
      note: nothing was changed
      hint: update toysoldiers and try again
    -- exit 6
    ");
    tool.run(&["migrate", "status"]).code(6);
    tool.run(&["user", "create", "a@example.com", "--generate"])
        .code(6);
}

#[test]
fn a_protected_environment_asks_before_anything_is_applied() {
    let database = Database::empty();
    let tool = Tool::new()
        .hiding(&database)
        .env("TOYSOLDIERS_ENV", "production");
    tool.write("database/migrations/001_a.sql", "create table a();");
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.production]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> production  SOCKET/DB as postgres  PROTECTED
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    `toysoldiers --env production migrate check` tells why, and what to write instead
    error: cannot apply 1 migration without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["migrate", "up", "--no-input"]), @"
    -- stderr
    -> production  SOCKET/DB as postgres  PROTECTED
    warning: database/migrations/001_a.sql:1:14: the table a is made without row-level security (table-without-row-security)
    `toysoldiers --env production migrate check` tells why, and what to write instead
    error: cannot apply 1 migration without a yes: `--no-input` forbids questions
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
    tool.run(&["migrate", "up", "--yes"]).ok();
    // Nothing to do is nothing to ask.
    tool.run(&["migrate", "up"]).ok();
}

#[test]
fn what_cannot_be_committed_is_said_to_be_so() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a(id int primary key, up int references a deferrable initially deferred);\ninsert into a values (1, 2);\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: insert or update on table "a" violates foreign key constraint "a_up_fkey"
      note: Key (up)=(2) is not present in table "a".
      note: the file ran, but what it leaves cannot be committed
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
}
