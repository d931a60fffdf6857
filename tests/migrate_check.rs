//! `migrate check`, and what `migrate up` takes of it: directives, denied rules, warnings beside the run.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::Tool;

/// A program without any database, and these files.
fn offline(files: &[(&str, &str)]) -> Tool {
    let tool = Tool::new();
    for (name, text) in files {
        tool.write(name, text);
    }
    tool
}

/// The same, in the folder of migrations.
fn folder(files: &[(&str, &str)]) -> Tool {
    let tool = offline(&[]);
    std::fs::create_dir_all(tool.path().join("database/migrations")).unwrap();
    for (name, text) in files {
        tool.write(&format!("database/migrations/{name}"), text);
    }
    tool
}

const TABLE: &str =
    "create table public.t (a text);\nalter table public.t enable row level security;\n";

#[test]
fn nothing_to_find_fault_with_is_said_so() {
    assert_snapshot!(folder(&[("001_t.sql", TABLE)]).run(&["migrate", "check"]), @"
    -- stderr
    1 file checked (database/migrations): no findings
    -- exit 0
    ");
}

#[test]
fn the_platforms_own_migrations_are_worth_notes_and_no_warning() {
    let outcome = Tool::new().run(&["migrate", "check"]).ok();
    assert_snapshot!(outcome.stderr, @"13 files checked (embedded in toysoldiers 0.1.0): 2 notes");
    assert!(!outcome.stdout.contains("warning"), "{outcome}");
}

#[test]
fn what_later_files_drop_needs_no_index() {
    let tool = folder(&[
        ("001_t.sql", TABLE),
        (
            "002_keys.sql",
            "alter table t add column b bigint references u, add column c bigint references u;\n",
        ),
        ("003_b.sql", "alter table t drop constraint t_b_fkey;\n"),
    ]);
    let outcome = tool.run(&["migrate", "check"]);
    assert!(outcome.stdout.contains("the rows of t by c,"), "{outcome}");
    assert!(!outcome.stdout.contains("the rows of t by b,"), "{outcome}");
    // What an earlier one drops is another one.
    tool.write("database/migrations/003_b.sql", "select 1;\n");
    tool.write(
        "database/migrations/001_t.sql",
        "alter table t drop constraint t_b_fkey;\n",
    );
    let outcome = tool.run(&["migrate", "check"]);
    assert!(outcome.stdout.contains("the rows of t by b,"), "{outcome}");
}

#[test]
fn findings_have_their_place_their_reason_and_a_rewrite() {
    let tool = folder(&[
        ("001_t.sql", TABLE),
        (
            "002_names.sql",
            "alter table t\n\tadd column \"größe\" text not null;\nupdate t set a = 'é';\ncommit;\n",
        ),
    ]);
    assert_snapshot!(tool.run(&["migrate", "check"]), @r#"
    -- stdout
    warning: adding a new column that is `NOT NULL` and has no default value to an existing table effectively makes it required [adding-required-field]
      --> database/migrations/002_names.sql:2:2
         |
       2 | 	add column "größe" text not null;
         | 	^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      why: it fails if the table has a row, and code that is deployed now cannot insert one any more
      instead: give the column a default, or leave it nullable until all code fills it

    warning: UPDATE without WHERE changes all rows of t [write-without-where]
      --> database/migrations/002_names.sql:3:1
         |
       3 | update t set a = 'é';
         | ^^^^^^^^
      why: it changes every row of the table, locks them all until the migration ends, and doubles the table's size on disk
      instead: add a WHERE; write `where true` if every row is meant, and change large tables in batches

    error: COMMIT does not belong in a migration: each one is a transaction of its own [transaction-control]
      --> database/migrations/002_names.sql:4:1
         |
       4 | commit;
         | ^^^^^^
      why: each migration is a transaction of its own, with its row in the history; what is committed in between stays when the rest fails
      instead: remove the transaction control; everything in the file happens, or nothing does
    -- stderr
    2 files checked (database/migrations): 1 error, 2 warnings
    -- exit 3
    "#);
}

#[test]
fn names_numbers_and_bytes_are_checked_all_at_once() {
    let tool = folder(&[
        ("001_t.sql", TABLE),
        ("002_a.sql", "select 1;"),
        ("02_b.sql", "select 1;"),
        (
            "005_c.sql",
            "-- toysoldiers: allow gap-in-numbers because \"two were never merged\"\nselect 1;",
        ),
        ("007_d.sql", "select 1;"),
        ("tips.sql", "select 1;"),
        ("README.md", "not SQL"),
        ("007_d.down.sql", "drop table x;"),
        ("20261122093000_e.sql", "select 1;"),
    ]);
    tool.write("database/migrations/008_f.sql", b"select 1;\n-- caf\xe9\n");
    tool.write("database/migrations/009_g.sql", b"\xff\xfes\0");
    assert_snapshot!(tool.run(&["migrate", "check"]), @"
    -- stdout
    allowed: numbers 3 to 4 are missing between 02_b.sql and this file [gap-in-numbers]
      --> database/migrations/005_c.sql
      because: two were never merged

    warning: number 6 is missing between 005_c.sql and this file [gap-in-numbers]
      --> database/migrations/007_d.sql
      why: a file that fills the gap later comes too late for every database that is past it
      instead: number on without gaps; `migrate new` does

    error: this is not UTF-8 text: byte 0xe9 at offset 16 [encoding]
      --> database/migrations/008_f.sql:2:7
         |
       2 | -- caf�
         |       ^
      why: the server takes UTF-8 text, and any other bytes end up as wrong letters or as an error
      instead: save the file as UTF-8

    error: this is not UTF-8 text: it begins like UTF-16 [encoding]
      --> database/migrations/009_g.sql
      why: the server takes UTF-8 text, and any other bytes end up as wrong letters or as an error
      instead: save the file as UTF-8

    error: 002_a.sql has the number 2 too [duplicate-number]
      --> database/migrations/02_b.sql
      why: which of two files of one number comes first is anybody's guess
      instead: give the one that is not applied yet the next free number

    error: the name does not fit: it has no number and underscore in front [naming]
      --> database/migrations/tips.sql
      why: a file that is not named NNN_description.sql would never run
      instead: rename the file, or move it out of the folder
    -- stderr
    10 files checked (database/migrations): 4 errors, 1 warning, 1 allowed finding
    -- exit 3
    ");
}

#[test]
fn files_that_are_named_may_have_any_name() {
    let tool = offline(&[
        ("scratch/try me.sql", "drop table t;\n"),
        ("007_x.down.sql", "\\i other.sql\ndrop table t;\n"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "check", "scratch/try me.sql", "007_x.down.sql"]), @r"
    -- stdout
    error: this is a command for psql, which a migration cannot hold [psql-command]
      --> 007_x.down.sql:1:1
         |
       1 | \i other.sql
         | ^^^^^^^^^^^^
      why: psql runs these commands itself; to the server they are syntax errors
      instead: write it in SQL, or remove it

    warning: dropping a table may break existing clients [ban-drop-table]
      --> 007_x.down.sql:2:1
         |
       2 | drop table t;
         | ^^^^^^^^^^^^^
      why: what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only
      instead: first deploy code that no longer uses it, then drop it in a later migration

    warning: dropping a table may break existing clients [ban-drop-table]
      --> scratch/try me.sql:1:1
         |
       1 | drop table t;
         | ^^^^^^^^^^^^^
      why: what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only
      instead: first deploy code that no longer uses it, then drop it in a later migration
    -- stderr
    2 files checked: 1 error, 2 warnings
    -- exit 3
    ");
    assert_snapshot!(tool.run(&["migrate", "check", "none.sql"]), @"
    -- stderr
    error: cannot read none.sql
      caused by: no such file or directory
      hint: name a file that is there and may be read
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["migrate", "check", "scratch"]), @"
    -- stderr
    error: cannot read scratch
      caused by: is a directory
      hint: name a file that is there and may be read
    -- exit 1
    ");
}

#[test]
fn indexes_are_looked_for_in_other_files_too() {
    let key = "alter table t add column u_id uuid references u;\n";
    let tool = folder(&[("001_t.sql", TABLE), ("002_key.sql", key)]);
    let count = |tool: &Tool, words: &[&str]| {
        let outcome = tool.run(words).ok();
        outcome.stdout.matches("unindexed-foreign-key").count()
    };
    let file = &["migrate", "check", "database/migrations/002_key.sql"][..];
    assert_eq!(
        (count(&tool, &["migrate", "check"]), count(&tool, file)),
        (1, 1)
    );
    tool.write(
        "database/migrations/003_index.sql",
        "create index on public.t (u_id);\n",
    );
    assert_eq!(
        (count(&tool, &["migrate", "check"]), count(&tool, file)),
        (0, 0)
    );
    std::fs::remove_file(tool.path().join("database/migrations/003_index.sql")).unwrap();
    tool.write(
        "database/indexes/t.sql",
        "create index t_u_id on T (u_id);\n",
    );
    assert_eq!(
        (count(&tool, &["migrate", "check"]), count(&tool, file)),
        (0, 0)
    );
}

#[test]
fn programs_read_findings_with_keys_that_stay() {
    let tool = folder(&[
        (
            "001_t.sql",
            "-- toysoldiers: allow ban-drop-table because \"empty\"\ndrop table x;\n",
        ),
        ("003_u.sql", "delete from x;\n"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "check", "-o", "json"]), @r#"
    -- stdout
    [
      {
        "file": "database/migrations/001_t.sql",
        "line": 2,
        "column": 1,
        "end_column": 14,
        "rule": "ban-drop-table",
        "level": "allowed",
        "message": "dropping a table may break existing clients",
        "why": "what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only",
        "rewrite": "first deploy code that no longer uses it, then drop it in a later migration",
        "because": "empty"
      },
      {
        "file": "database/migrations/003_u.sql",
        "line": null,
        "column": null,
        "end_column": null,
        "rule": "gap-in-numbers",
        "level": "warning",
        "message": "number 2 is missing between 001_t.sql and this file",
        "why": "a file that fills the gap later comes too late for every database that is past it",
        "rewrite": "number on without gaps; `migrate new` does",
        "because": null
      },
      {
        "file": "database/migrations/003_u.sql",
        "line": 1,
        "column": 1,
        "end_column": 14,
        "rule": "write-without-where",
        "level": "warning",
        "message": "DELETE without WHERE changes all rows of x",
        "why": "it changes every row of the table, locks them all until the migration ends, and doubles the table's size on disk",
        "rewrite": "add a WHERE; write `where true` if every row is meant, and change large tables in batches",
        "because": null
      }
    ]
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["migrate", "check", "-o", "csv"]), @r#"
    -- stdout
    file,line,column,end_column,rule,level,message,why,rewrite,because
    database/migrations/001_t.sql,2,1,14,ban-drop-table,allowed,dropping a table may break existing clients,what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only,"first deploy code that no longer uses it, then drop it in a later migration",empty
    database/migrations/003_u.sql,,,,gap-in-numbers,warning,number 2 is missing between 001_t.sql and this file,a file that fills the gap later comes too late for every database that is past it,number on without gaps; `migrate new` does,
    database/migrations/003_u.sql,1,1,14,write-without-where,warning,DELETE without WHERE changes all rows of x,"it changes every row of the table, locks them all until the migration ends, and doubles the table's size on disk","add a WHERE; write `where true` if every row is meant, and change large tables in batches",
    -- exit 0
    "#);
    let outcome = folder(&[("001_t.sql", TABLE)]).run(&["migrate", "check", "-o", "json"]);
    assert_eq!(outcome.ok().json(), serde_json::json!([]));
}

#[test]
fn github_shows_findings_beside_the_lines() {
    let tool = folder(&[
        (
            "001_t.sql",
            "-- toysoldiers: allow ban-drop-table because \"100 % empty\"\ndrop table x;\n",
        ),
        ("003_u.sql", "delete from x;\nrollback;\n"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "check", "-o", "github"]), @"
    -- stdout
    ::notice file=database/migrations/001_t.sql,line=2,endLine=2,col=1,endColumn=14,title=ban-drop-table::dropping a table may break existing clients%0Abecause: 100 %25 empty
    ::warning file=database/migrations/003_u.sql,title=gap-in-numbers::number 2 is missing between 001_t.sql and this file%0Awhy: a file that fills the gap later comes too late for every database that is past it%0Ainstead: number on without gaps; `migrate new` does
    ::warning file=database/migrations/003_u.sql,line=1,endLine=1,col=1,endColumn=14,title=write-without-where::DELETE without WHERE changes all rows of x%0Awhy: it changes every row of the table, locks them all until the migration ends, and doubles the table's size on disk%0Ainstead: add a WHERE; write `where true` if every row is meant, and change large tables in batches
    ::error file=database/migrations/003_u.sql,line=2,endLine=2,col=1,endColumn=9,title=transaction-control::ROLLBACK does not belong in a migration: each one is a transaction of its own%0Awhy: each migration is a transaction of its own, with its row in the history; what is committed in between stays when the rest fails%0Ainstead: remove the transaction control; everything in the file happens, or nothing does
    -- exit 3
    ");
    // No other command has anything to show there, and none does its work in vain.
    let (database, tool) = with(&[("001_t.sql", TABLE)]);
    assert_snapshot!(tool.run(&["migrate", "up", "-o", "github"]), @"
    -- stderr
    error: invalid value 'github' for '--output <OUTPUT>'
      [possible values: table, json, csv, ndjson]

    For more information, try '--help'.
    -- exit 2
    ");
    assert_eq!(database.value("select to_regclass('t') is null"), "t");
    tool.run(&["migrate", "status", "-o", "github"]).code(2);
    tool.run(&["demo", "-o", "github"]).code(2);
}

#[test]
fn directives_that_are_not_understood_are_errors() {
    let tool = folder(&[(
        "001_t.sql",
        "-- toysoldiers: no-transactoin\n-- toysoldiers: allow ban-drop-tables because \"x\"\n\
         select 1; -- toysoldiers: lock-timeout 5s\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "check"]), @r#"
    -- stdout
    error: there is no directive no-transactoin [directive]
      --> database/migrations/001_t.sql:1:17
         |
       1 | -- toysoldiers: no-transactoin
         |                 ^^^^^^^^^^^^^^
      why: what is not read as a directive is a comment, and the file would run as it must not
      instead: did you mean `no-transaction`?

    error: there is no rule ban-drop-tables [directive]
      --> database/migrations/001_t.sql:2:23
         |
       2 | -- toysoldiers: allow ban-drop-tables because "x"
         |                       ^^^^^^^^^^^^^^^
      why: what is not read as a directive is a comment, and the file would run as it must not
      instead: did you mean `ban-drop-table`?

    error: a directive after the first statement has no effect [directive]
      --> database/migrations/001_t.sql:3:27
         |
       3 | select 1; -- toysoldiers: lock-timeout 5s
         |                           ^^^^^^^^^^^^^^^
      why: what is not read as a directive is a comment, and the file would run as it must not
      instead: move it to the top of the file
    -- stderr
    1 file checked (database/migrations): 3 errors
    -- exit 3
    "#);
    let (database, tool) = with(&[
        ("001_t.sql", TABLE),
        (
            "002_u.sql",
            "-- toysoldiers: lock-timeout soon\ncreate table u();\n",
        ),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_u.sql cannot be applied
      caused by: lock-timeout wants a length of time
      --> database/migrations/002_u.sql:1:30
         |
       1 | -- toysoldiers: lock-timeout soon
         |                              ^^^^
      note: nothing was run
      hint: write a number with its unit: 500ms, 2s, 5m, 1h, or 0
    -- exit 1
    ");
    assert_eq!(database.value("select to_regclass('t') is null"), "t");
}

#[test]
fn a_file_without_transaction_is_checked_and_run() {
    let text = "-- toysoldiers: no-transaction\ncreate index concurrently t_a on t (a);\n";
    let (database, tool) = with(&[("001_t.sql", TABLE), ("002_index.sql", text)]);
    assert_snapshot!(tool.run(&["migrate", "check"]), @"
    -- stderr
    2 files checked (database/migrations): no findings
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_t (2 statements, DURATION)
    applied 002_index (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 2 migrations in DURATION (database/migrations); the database is at 002_index
    -- exit 0
    ");
    assert_eq!(
        database.value("select indisvalid from pg_index where indexrelid = 't_a'::regclass"),
        "t"
    );
}

#[test]
fn a_file_wholly_wrapped_runs_as_if_it_were_not() {
    let (database, tool) = with(&[
        ("001_t.sql", &format!("-- é\nBEGIN;\n{TABLE}COMMIT;\n")),
        (
            "002_u.sql",
            "begin work;\nselect 'é';\nselect * from nowhere;\nend;\n",
        ),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 001_t (2 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_u.sql failed
      caused by: relation "nowhere" does not exist
      --> database/migrations/002_u.sql:3:15
         |
       3 | select * from nowhere;
         |               ^^^^^^^
      note: nothing of 002_u was kept; 001_t is the last applied migration
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_eq!(database.sql("select name from toysoldiers.history"), ["t"]);
}

#[test]
fn a_file_says_how_long_it_waits_and_a_flag_says_otherwise() {
    let slow = "-- toysoldiers: statement-timeout 10ms\nselect pg_sleep(0.1);\n";
    let locked = "-- toysoldiers: lock-timeout 10ms\nalter table t add column b text;\n";
    let (database, tool) = with(&[("001_t.sql", TABLE)]);
    tool.run(&["migrate", "up", "--retry-for", "0"]).ok();
    tool.write("database/migrations/002_slow.sql", slow);
    let outcome = tool.run(&["migrate", "up", "--retry-for", "0"]).code(1);
    assert!(outcome.stderr.contains("statement timeout"), "{outcome}");
    tool.run(&[
        "migrate",
        "up",
        "--retry-for",
        "0",
        "--statement-timeout",
        "1m",
    ])
    .ok();
    tool.write("database/migrations/003_locked.sql", locked);
    let holder = database.session("begin; lock table t in access share mode");
    let outcome = tool.run(&["migrate", "up", "--retry-for", "0"]);
    assert!(outcome.stderr.contains("lock timeout"), "{outcome}");
    drop(holder);
}

#[test]
fn what_the_configuration_denies_stops_up() {
    let (database, tool) = with(&[
        ("001_t.sql", TABLE),
        ("002_drop.sql", "select 1;\ndrop table x;\ndrop table y;\n"),
    ]);
    let url = database.url();
    tool.write(
        "toysoldiers.toml",
        format!("[migrations]\ndeny = [\"write-without-where\"]\n[env.production]\nurl = \"{url}\"\n[env.production.migrations]\ndeny = [\"ban-drop-table\"]\n"),
    );
    let production = Tool::new().hiding(&database);
    for name in [
        "toysoldiers.toml",
        "database/migrations/001_t.sql",
        "database/migrations/002_drop.sql",
    ] {
        production.write(name, std::fs::read(tool.path().join(name)).unwrap());
    }
    assert_snapshot!(production.run(&["--env", "production", "migrate", "up"]), @"
    -- stderr
    -> production  SOCKET/DB as postgres
    error: database/migrations/002_drop.sql is denied by ban-drop-table
      caused by: dropping a table may break existing clients
      --> database/migrations/002_drop.sql:2:1
         |
       2 | drop table x;
         | ^^^^^^^^^^^^^
      note: what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only
      note: nothing was run
      note: and 1 more; `toysoldiers --env production migrate check` lists them
      hint: first deploy code that no longer uses it, then drop it in a later migration
    -- exit 6
    ");
    assert_snapshot!(production.run(&["--env", "production", "migrate", "check", "-o", "csv"]), @r#"
    -- stdout
    file,line,column,end_column,rule,level,message,why,rewrite,because
    database/migrations/002_drop.sql,2,1,14,ban-drop-table,denied,dropping a table may break existing clients,what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only,"first deploy code that no longer uses it, then drop it in a later migration",
    database/migrations/002_drop.sql,3,1,14,ban-drop-table,denied,dropping a table may break existing clients,what is dropped is gone with all that was in it; a migration that takes it back brings back the shape only,"first deploy code that no longer uses it, then drop it in a later migration",
    -- exit 3
    "#);
    // What is denied there is a warning here.
    production.run(&["--env", "local", "migrate", "check"]).ok();
    // A bare address is as careful as the environment whose database it is.
    tool.run(&["migrate", "up"]).code(6);
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    production.write(
        "database/migrations/002_drop.sql",
        "-- toysoldiers: allow ban-drop-table because \"nobody reads them\"\ndrop table if exists x;\n",
    );
    production
        .run(&["--env", "production", "migrate", "up"])
        .ok();
}

#[test]
fn a_rule_that_is_not_there_cannot_be_denied() {
    let tool = folder(&[("001_t.sql", TABLE)]);
    tool.write(
        "toysoldiers.toml",
        "[migrations]\ndeny = [\n  \"prefer-identity\",\n  \"ban-drop-colum\",\n]\n",
    );
    assert_snapshot!(tool.run(&["migrate", "check"]), @r#"
    -- stderr
    error: there is no rule ban-drop-colum to deny
      --> HERE/toysoldiers.toml:4:3
         |
       4 |   "ban-drop-colum",
         |   ^^^^^^^^^^^^^^^^
      hint: did you mean `ban-drop-column`?
    -- exit 4
    "#);
    tool.write(
        "toysoldiers.toml",
        "[migrations]\ndeny = [\"require-lock-timeout\"]\n",
    );
    assert_snapshot!(tool.run(&["migrate", "check"]), @r#"
    -- stderr
    error: there is no rule require-lock-timeout to deny
      --> HERE/toysoldiers.toml:2:9
         |
       2 | deny = ["require-lock-timeout"]
         |         ^^^^^^^^^^^^^^^^^^^^^^
      hint: leave it out: every migration runs with a lock_timeout and a statement_timeout of its own
    -- exit 4
    "#);
    tool.write(
        "toysoldiers.toml",
        "[migrations]\ndeny = [\"ban-drop-table\", \"syntax\"]\n",
    );
    let shown = tool.run(&["env", "show", "-o", "csv"]).ok().stdout;
    assert!(
        shown.contains("migrations.deny,\"ban-drop-table, syntax\",HERE/toysoldiers.toml"),
        "{shown}"
    );
}

#[test]
fn up_warns_of_what_is_pending_and_runs_it() {
    let (_, tool) = with(&[(
        "001_t.sql",
        "create table t(a text);\nupdate t set a = 'b';\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: apply 1 migration
      apply database/migrations/001_t.sql
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/001_t.sql:1:14: the table t is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_t (2 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_t
    warning: database/migrations/001_t.sql:1:14: the table t is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    // What ran is no longer anybody's business.
    tool.write(
        "database/migrations/002_u.sql",
        "select 1;\ndelete from t;\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up", "-q"]), @"
    -- stderr
    warning: database/migrations/002_u.sql:2:1: DELETE without WHERE changes all rows of t (write-without-where)
    -- exit 0
    ");
}

#[test]
fn up_warns_in_a_few_lines_however_much_there_is() {
    let text = "delete from t;\n".repeat(30);
    let (_, tool) = with(&[("001_t.sql", TABLE), ("002_u.sql", &text)]);
    let outcome = tool.run(&["migrate", "up"]).ok();
    assert_eq!(outcome.stderr.matches("warning:").count(), 21, "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("warning: and 10 more\n`toysoldiers migrate check` tells why"),
        "{outcome}"
    );
}

#[test]
fn a_statement_deeper_than_anybody_writes_is_left_to_the_server() {
    let deep = format!("select {}1{};\n", "(".repeat(2000), ")".repeat(2000));
    let (_, tool) = with(&[("001_t.sql", &format!("{TABLE}{deep}"))]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_t (3 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_t
    warning: database/migrations/001_t.sql:3:1: this statement is too deep for the rules about statements (syntax)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    let deeper = format!("select {}1;\n", "not ".repeat(200_000));
    let outcome = offline(&[("x.sql", &deeper)]).run(&["migrate", "check", "x.sql"]);
    assert!(outcome.ok().stdout.contains("[syntax]"));
}

#[test]
fn what_hurts_a_large_table_is_a_note_about_a_small_one() {
    let (database, tool) = with(&[(
        "001_index.sql",
        "create index a_n on a (n);\ncreate index b_n on b (n);\n",
    )]);
    database.sql(
        "create table a (n int); insert into a values (1);
         create table b (n int); insert into b select generate_series(1, 400000); analyze a, b",
    );
    assert_snapshot!(tool.run(&["migrate", "check", "--sizes", "-o", "csv"]).ok().stdout.lines().map(|line| line.split(',').take(7).collect::<Vec<_>>().join(",")).collect::<Vec<_>>().join("\n"), @r#"
    file,line,column,end_column,rule,level,message
    database/migrations/001_index.sql,1,1,27,require-concurrent-index-creation,note,"during normal index creation
    database/migrations/001_index.sql,2,1,27,require-concurrent-index-creation,warning,"during normal index creation
    "#);
    let up = tool.run(&["migrate", "up"]).ok().stderr;
    assert!(
        !up.contains("index.sql:1:1") && up.contains("index.sql:2:1"),
        "{up}"
    );
}

#[test]
fn what_undoes_a_migration_is_looked_at_for_what_cannot_run() {
    let (_, tool) = with(&[
        ("001_t.sql", TABLE),
        ("001_t.down.sql", "drop table t;\ncommit;\n"),
        ("002_u.down.sql", "select 1;"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "check"]), @"
    -- stdout
    error: COMMIT does not belong in a migration: each one is a transaction of its own [transaction-control]
      --> database/migrations/001_t.down.sql:2:1
         |
       2 | commit;
         | ^^^^^^
      why: each migration is a transaction of its own, with its row in the history; what is committed in between stays when the rest fails
      instead: remove the transaction control; everything in the file happens, or nothing does

    error: there is no migration 2 that it could undo [naming]
      --> database/migrations/002_u.down.sql
      why: a file that is not named NNN_description.sql would never run
      instead: rename the file, or move it out of the folder
    -- stderr
    3 files checked (database/migrations): 2 errors
    -- exit 3
    ");
}
