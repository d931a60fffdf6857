//! `migrate repair`: accepting edited files, and saying how a half-done migration stands.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Tool};

const TIPS: &str = "-- Tips.\ncreate table tips (\n    id uuid,\n    amount int\n);\n";

/// Migrations that ran.
fn applied(files: &[(&str, &str)]) -> (Database, Tool) {
    let (database, tool) = with(files);
    tool.run(&["migrate", "up"]).ok();
    (database, tool)
}

/// A migration without a transaction that stopped in its second of three statements.
fn half_done() -> (Database, Tool) {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a(id int);"),
        (
            "002_b.sql",
            "-- toysoldiers: no-transaction\ncreate index concurrently a_id\n  on a (id);\nvacuum b;\nanalyze a;\n",
        ),
    ]);
    tool.run(&["migrate", "up"]).code(1);
    (database, tool)
}

fn history(database: &Database) -> String {
    database
        .sql("select version || ' ' || name from toysoldiers.history order by version")
        .join(", ")
}

fn runs(database: &Database) -> String {
    database
        .sql("select version, action, outcome, message, sql is not null, checksum is not null, actor is not null from toysoldiers.runs where action = 'repair' order by id")
        .join("\n")
}

#[test]
fn what_fits_needs_no_repair() {
    let (_, tool) = applied(&[("001_tips.sql", TIPS)]);
    assert_snapshot!(tool.run(&["migrate", "repair"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to repair: no file was edited or renamed after it ran
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "1", "--dry-run"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "tipps"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration tipps in database/migrations or in the history
      note: nothing was changed
      hint: did you mean tips?
    -- exit 1
    ");
    let (database, tool) = with(&[("001_tips.sql", TIPS)]);
    tool.run(&["migrate", "repair"]).ok();
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

#[test]
#[allow(clippy::too_many_lines, reason = "transcripts are long")]
fn an_edited_file_is_accepted_after_what_was_changed_is_shown() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS), ("002_b.sql", "create table b();")]);
    tool.write(
        "database/migrations/001_tips.sql",
        TIPS.replace("int\n", "bigint,\n    at date\n"),
    );
    tool.write(
        "database/migrations/002_b.sql",
        "-- B.\ncreate  table b();\n",
    );
    tool.run(&["migrate", "up"]).code(1);
    assert_snapshot!(tool.run(&["migrate", "repair", "--dry-run"]), @"
    -- stdout
    plan: accept 2 migrations as they are now
      accept database/migrations/001_tips.sql  (edited: 2 lines added, 1 removed)
          @@ line 2 @@
            create table tips (
                id uuid,
          -  amount int
          +  amount bigint,
          +  at date
            );
      accept database/migrations/002_b.sql  (edited: only blanks and comments differ; 2 lines added, 1 removed)
          @@ line 1 @@
          - create table b();
          + -- B.
          + create  table b();
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "--dry-run", "001", "-o", "json"]), @r#"
    -- stdout
    {
      "title": "accept 001_tips as it is now",
      "risk": "moderate",
      "steps": [
        {
          "effect": "changes",
          "action": "accept",
          "object": "database/migrations/001_tips.sql",
          "detail": "edited: 2 lines added, 1 removed",
          "lines": [
            "@@ line 2 @@",
            "  create table tips (",
            "  id uuid,",
            "-  amount int",
            "+  amount bigint,",
            "+  at date",
            "  );"
          ]
        }
      ]
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["migrate", "repair"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: accept 2 migrations as they are now
      accept database/migrations/001_tips.sql  (edited: 2 lines added, 1 removed)
          @@ line 2 @@
            create table tips (
                id uuid,
          -  amount int
          +  amount bigint,
          +  at date
            );
      accept database/migrations/002_b.sql  (edited: only blanks and comments differ; 2 lines added, 1 removed)
          @@ line 1 @@
          - create table b();
          + -- B.
          + create  table b();
    error: cannot accept 2 migrations as they are now without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "002_b", "--yes"]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    002_b  accepted  edited: only blanks and comments differ; 2 lines added, 1 removed
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: accept 002_b as it is now
      accept database/migrations/002_b.sql  (edited: only blanks and comments differ; 2 lines added, 1 removed)
          @@ line 1 @@
          - create table b();
          + -- B.
          + create  table b();
    repaired 1 migration
    -- exit 0
    ");
    tool.run(&["migrate", "up"]).code(1);
    assert_snapshot!(tool.run(&["migrate", "repair", "--yes"]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    001_tips  accepted  edited: 2 lines added, 1 removed
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: accept 001_tips as it is now
      accept database/migrations/001_tips.sql  (edited: 2 lines added, 1 removed)
          @@ line 2 @@
            create table tips (
                id uuid,
          -  amount int
          +  amount bigint,
          +  at date
            );
    repaired 1 migration
    -- exit 0
    ");
    assert_snapshot!(runs(&database), @"
    2|repair|done|accepted as it is now; edited: only blanks and comments differ; 2 lines added, 1 removed|t|t|t
    1|repair|done|accepted as it is now; edited: 2 lines added, 1 removed|t|t|t
    ");
    tool.run(&["migrate", "status", "--check"]).ok();
    // What was accepted is what the next edit is compared with.
    tool.write(
        "database/migrations/002_b.sql",
        "-- B!\ncreate  table b();\n",
    );
    let shown = tool.run(&["migrate", "repair", "--dry-run"]).ok().stdout;
    assert!(
        shown.contains("- -- B.\n") && shown.contains("+ -- B!\n"),
        "{shown}"
    );
}

#[test]
fn the_plan_is_shown_to_whoever_is_asked() {
    let (_, tool) = applied(&[("001_tips.sql", TIPS)]);
    tool.write(
        "database/migrations/001_tips.sql",
        TIPS.replace("int", "bigint"),
    );
    let mut terminal = tool.terminal(&["migrate", "repair"]);
    terminal.exp_string("+     amount bigint").unwrap();
    terminal.exp_string("Accept 001_tips as it is now").unwrap();
    terminal.send_line("n").unwrap();
    terminal.exp_string("nothing was changed").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn a_text_that_was_not_kept_is_said_to_be_so() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS)]);
    database.sql("update toysoldiers.runs set sql = null");
    tool.write("database/migrations/001_tips.sql", "select 1;");
    assert_snapshot!(tool.run(&["migrate", "repair", "--dry-run"]), @"
    -- stdout
    plan: accept 001_tips as it is now
      accept database/migrations/001_tips.sql  (edited: the text that ran was not kept, only its checksum, so what was changed cannot be shown)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
}

#[test]
fn an_older_database_is_brought_up_to_date_by_the_repair() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS)]);
    database.sql(
        "drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         drop table toysoldiers.deploys, toysoldiers.detached, toysoldiers.runs, toysoldiers.steps;
         update toysoldiers.installation set version = 2",
    );
    tool.write("database/migrations/001_tips.sql", "select 1;");
    assert_snapshot!(tool.run(&["migrate", "repair", "--dry-run"]), @"
    -- stdout
    plan: accept 001_tips as it is now
      upgrade the schema toysoldiers to version 7
      accept database/migrations/001_tips.sql  (edited: the text that ran was not kept, only its checksum, so what was changed cannot be shown)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    tool.run(&["migrate", "repair", "--yes"]).ok();
    tool.run(&["migrate", "status", "--check"]).ok();
    assert_snapshot!(runs(&database), @"1|repair|done|accepted as it is now; edited: the text that ran was not kept, only its checksum, so what was changed cannot be shown|t|t|t");
}

#[test]
fn a_renamed_file_is_accepted_and_another_migration_in_its_place_is_severe() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS), ("002_b.sql", "create table b();")]);
    let rename = |from: &str, to: &str| {
        let folder = tool.path().join("database/migrations");
        std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    };
    rename("001_tips.sql", "001_gratuities.sql");
    assert_snapshot!(tool.run(&["migrate", "repair", "--yes"]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    001_gratuities  accepted  renamed: it ran as 001_tips; its text is the same
    -- stderr
    -> (url)  SOCKET/DB as postgres
    repaired 1 migration
    -- exit 0
    ");
    assert_eq!(history(&database), "1 gratuities, 2 b");
    rename("001_gratuities.sql", "001_presents.sql");
    tool.write(
        "database/migrations/001_presents.sql",
        "create table presents();",
    );
    let outcome = tool.run(&["migrate", "repair", "--yes"]).code(6);
    assert!(outcome.stderr.contains("--confirm"), "{outcome}");
    assert_eq!(history(&database), "1 gratuities, 2 b");
    rename("002_b.sql", "002_c.sql");
    tool.write("database/migrations/002_c.sql", "create table c();");
    assert_snapshot!(tool.run(&["migrate", "repair", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database has none of these migrations (database/migrations)
      note: nothing was changed
      hint: name the folder of its migrations with `--migrations`, or the right database with `--env`
    -- exit 6
    ");
}

#[test]
fn a_deleted_file_is_forgotten_only_if_it_is_named() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS), ("002_b.sql", "create table b();")]);
    std::fs::remove_file(tool.path().join("database/migrations/002_b.sql")).unwrap();
    assert_snapshot!(tool.run(&["migrate", "repair"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to repair: no file was edited or renamed after it ran
    002_b was applied, and its file is gone; forget it with `toysoldiers migrate repair 002_b --undone`
    -- exit 0
    ");
    let confirmed = |words: &[&str]| {
        let name = database.name.as_str();
        tool.run(&[&["migrate", "repair"], words, &["--confirm", name]].concat())
    };
    tool.run(&["migrate", "repair", "2", "--undone", "--yes"])
        .code(6);
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--undone", "--dry-run"]), @"
    -- stdout
    plan: mark 002_b as not applied
      mark 002_b as not applied  (its row in the history is removed; nothing in the database is undone by it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(confirmed(&["2", "--undone"]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    002_b  not applied  its row in the history is removed; nothing in the database is undone by it
    -- stderr
    -> (url)  SOCKET/DB as postgres
    repaired 1 migration
    -- exit 0
    ");
    assert_eq!(history(&database), "1 tips");
    assert_eq!(database.value("select to_regclass('b') is not null"), "t");
    tool.run(&["migrate", "status", "--check"]).ok();
    tool.write("database/migrations/002_b.sql", "create table c();");
    tool.run(&["migrate", "up"]).ok();
    assert_snapshot!(tool.run(&["migrate", "repair", "tips", "--undone", "--dry-run"]), @"
    -- stdout
    plan: mark 001_tips as not applied
      mark 001_tips as not applied  (its row in the history is removed; nothing in the database is undone by it)
          1 migration applied after it: `migrate up` will call it late and refuse to go on
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "b", "--undone", "--dry-run"]), @"
    -- stdout
    plan: mark 002_b as not applied
      mark 002_b as not applied  (its row in the history is removed; nothing in the database is undone by it)
          the next `migrate up` runs it again
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(runs(&database), @"2|repair|done|marked as not applied by hand; its row in the history is removed; nothing in the database is undone by it|f|f|t");
}

#[test]
fn a_half_done_migration_is_done_when_somebody_says_so() {
    let (database, tool) = half_done();
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--done", "--dry-run"]), @"
    -- stdout
    plan: mark 002_b as applied
      mark 002_b as applied  (1 statement ran to the end; the others do not run any more)
          1. done: create index concurrently a_id on a (id)
          2. not run: vacuum b
          3. not run: analyze a
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    tool.run(&["migrate", "repair", "2", "--done", "--yes"])
        .code(6);
    assert_snapshot!(tool.run(&["migrate", "repair", "b", "--done", "--confirm", &database.name]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    002_b  applied  1 statement ran to the end; the others do not run any more
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: mark 002_b as applied
      mark 002_b as applied  (1 statement ran to the end; the others do not run any more)
          1. done: create index concurrently a_id on a (id)
          2. not run: vacuum b
          3. not run: analyze a
    repaired 1 migration
    -- exit 0
    ");
    assert_eq!(history(&database), "1 a, 2 b");
    assert_eq!(
        database.value("select count(*) from toysoldiers.steps"),
        "0"
    );
    tool.run(&["migrate", "status", "--check"]).ok();
    assert_snapshot!(runs(&database), @"2|repair|done|marked as applied by hand; 1 statement ran to the end; the others do not run any more|t|t|t");
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--done", "--confirm", &database.name]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b is applied already
      note: nothing was changed
      hint: see when and by whom with `toysoldiers migrate history`
    -- exit 6
    ");
}

#[test]
fn a_half_done_migration_begins_anew_when_somebody_says_so() {
    let (database, tool) = half_done();
    tool.write(
        "database/migrations/002_b.sql",
        "-- toysoldiers: no-transaction\ncreate index concurrently a_id on a (id);\nvacuum full a;\n",
    );
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--undone", "--dry-run"]), @"
    -- stdout
    plan: mark 002_b as not begun
      mark 002_b as not begun  (`migrate up` begins at its first statement again; what 1 statement did stays)
          1. done: create index concurrently a_id on a (id)
          2. not run: vacuum full a
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--undone", "--confirm", &database.name]), @"
    -- stdout
    MIGRATION  VERDICT  DETAIL
    002_b  not begun  `migrate up` begins at its first statement again; what 1 statement did stays
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: mark 002_b as not begun
      mark 002_b as not begun  (`migrate up` begins at its first statement again; what 1 statement did stays)
          1. done: create index concurrently a_id on a (id)
          2. not run: vacuum full a
    repaired 1 migration
    -- exit 0
    ");
    assert_eq!(history(&database), "1 a");
    assert_eq!(
        database.value("select count(*) from toysoldiers.steps"),
        "0"
    );
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--undone", "--confirm", &database.name]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b has not run
      note: nothing was changed
      hint: see what has with `toysoldiers migrate status`
    -- exit 6
    ");
    std::fs::remove_file(tool.path().join("database/migrations/002_b.sql")).unwrap();
    database.sql(
        "insert into toysoldiers.steps (version, number, hash, sql) values (2, 1, 'x', 'vacuum a')",
    );
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--done"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: the file of 002 is gone, so that there is nothing to say it is done of
      note: nothing was changed
      hint: bring the file back, or forget what ran of it: `toysoldiers migrate repair 2 --undone`
    -- exit 6
    ");
    tool.run(&[
        "migrate",
        "repair",
        "2",
        "--undone",
        "--confirm",
        &database.name,
    ])
    .ok();
    assert_eq!(
        database.value("select count(*) from toysoldiers.steps"),
        "0"
    );
}

#[test]
fn what_never_began_is_not_done() {
    let (_, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", "-- toysoldiers: no-transaction\nvacuum;\n"),
    ]);
    assert_snapshot!(tool.run(&["migrate", "repair", "1", "--done"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 001_a runs in one transaction: it is applied or it is not, and needs no word on it
      note: nothing was changed
      hint: apply it with `toysoldiers migrate up`
      hint: or, if its changes are in the database already, mark it with `toysoldiers migrate baseline --to 1`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "2", "--done"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b has not begun to run
      note: nothing was changed
      hint: apply it with `toysoldiers migrate up`
      hint: or, if its changes are in the database already, mark it with `toysoldiers migrate baseline --to 2`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["migrate", "repair", "3", "--undone"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration 3 in database/migrations or in the history
      note: nothing was changed
      hint: see all of them with `toysoldiers migrate status`
    -- exit 1
    ");
    tool.run(&["migrate", "repair", "--done"]).code(2);
    tool.run(&["migrate", "repair", "1", "--done", "--undone"])
        .code(2);
}

#[test]
fn what_changed_since_the_plan_is_not_repaired() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS)]);
    tool.write("database/migrations/001_tips.sql", "select 1;");
    let mut terminal = tool.terminal(&["migrate", "repair"]);
    terminal.exp_string("Accept 001_tips as it is now").unwrap();
    database.sql("update toysoldiers.history set checksum = '1'");
    terminal.send_line("y").unwrap();
    terminal
        .exp_string("the history of this database changed since the plan was shown")
        .unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(
        database.value("select checksum from toysoldiers.history"),
        "1"
    );
}

#[test]
fn a_repair_waits_for_other_runs_no_longer_than_was_said() {
    let (database, tool) = applied(&[("001_tips.sql", TIPS)]);
    tool.write("database/migrations/001_tips.sql", "select 1;");
    let key = toysoldiers::pg::lock::MIGRATE.key;
    let _holder = database.session(&format!("select pg_advisory_lock({key})"));
    let outcome = tool
        .run(&["migrate", "repair", "--yes", "--wait", "1ms"])
        .code(6);
    assert!(
        outcome.stderr.contains("another run is at work"),
        "{outcome}"
    );
}
