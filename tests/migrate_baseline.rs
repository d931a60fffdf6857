//! `migrate baseline`: taking over a database that was made without us.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Tool};

const FILES: [(&str, &str); 3] = [
    ("001_a.sql", "create table a();"),
    ("002_b.sql", "create table b();"),
    ("003_c.sql", "create table c();"),
];

fn history(database: &Database) -> String {
    database
        .sql("select version || ' ' || name from toysoldiers.history order by version")
        .join(", ")
}

#[test]
fn a_database_is_taken_over_without_anything_being_run() {
    let (database, tool) = with(&FILES);
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--dry-run"]), @"
    -- stdout
    plan: take over 3 migrations
      mark 001_a as applied  (without running it)
      mark 002_b as applied  (without running it)
      mark 003_c as applied  (without running it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot take over 3 migrations without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--yes"]), @"
    -- stdout
    MIGRATION
    001_a
    002_b
    003_c
    -- stderr
    -> (url)  SOCKET/DB as postgres
    marked 3 migrations as applied (database/migrations); none is pending
    -- exit 0
    ");
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
    assert_snapshot!(database.sql("select version, name, action, outcome, checksum is not null, sql, message, actor is not null from toysoldiers.runs order by id").join("\n"), @"
    1|a|baseline|done|t|create table a();|marked as applied without being run|t
    2|b|baseline|done|t|create table b();|marked as applied without being run|t
    3|c|baseline|done|t|create table c();|marked as applied without being run|t
    ");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to mark (database/migrations); none is pending
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 003_c (3 migrations, database/migrations)
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "status", "--check"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  b  applied  NOW  tester@HOST DURATION
    003  c  applied  NOW  tester@HOST DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 applied, 0 pending (database/migrations)
    -- exit 0
    ");
}

#[test]
fn a_part_is_taken_over_and_the_rest_runs() {
    let (database, tool) = with(&FILES);
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--to", "2", "--yes", "-o", "json"]), @r#"
    -- stdout
    {
      "source": "database/migrations",
      "adopted": [
        "001_a",
        "002_b"
      ],
      "pending": 1,
      "stamped": null,
      "upgraded": false
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value("select to_regclass('b') is null and to_regclass('c') is not null"),
        "t"
    );
    tool.write("database/migrations/004_d.sql", "create table d();");
    tool.write("database/migrations/005_e.sql", "create table e();");
    // What is behind is added behind.
    tool.run(&[
        "migrate",
        "baseline",
        "--no-compare",
        "--to",
        "004_d",
        "--yes",
    ])
    .ok();
    assert_eq!(history(&database), "1 a, 2 b, 3 c, 4 d");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--to", "9", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration 9 in database/migrations
      note: nothing was changed
      hint: see all of them with `toysoldiers migrate status`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--to", "004_dd", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no migration 004_dd in database/migrations
      note: nothing was changed
      hint: did you mean 004_d?
    -- exit 1
    ");
}

#[test]
fn a_history_that_does_not_fit_is_left_alone() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("003_c.sql", "create table c();"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b();");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database has a history already, and it does not fit database/migrations
      note: 002_b is late
      note: nothing was changed
      hint: give the late ones numbers after the last one that is applied: only behind it can any be added
    -- exit 6
    ");
    tool.write("database/migrations/001_a.sql", "create table z();");
    std::fs::remove_file(tool.path().join("database/migrations/003_c.sql")).unwrap();
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database has a history already, and it does not fit database/migrations
      note: 001_a is edited
      note: 002_b is late
      note: 003_c is deleted
      note: nothing was changed
      hint: see `toysoldiers migrate status`
      hint: make them fit with `toysoldiers migrate repair`
    -- exit 6
    ");
    assert_eq!(history(&database), "1 a, 3 c");
}

#[test]
fn a_half_done_migration_is_not_taken_over() {
    let (database, tool) = with(&FILES);
    tool.run(&["migrate", "baseline", "--no-compare", "--to", "1", "--yes"])
        .ok();
    database.sql("insert into toysoldiers.steps (version, number, hash, sql) values (2, 1, 'x', 'create table b()')");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--no-compare", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b stands half-done
      note: nothing was changed
      hint: say how it stands with `toysoldiers migrate repair 002_b --done` or `--undone`
    -- exit 6
    ");
}

#[test]
fn the_environment_claims_the_database_and_an_older_schema_is_brought_up_to_date() {
    let (database, tool) = with(&FILES);
    tool.run(&["migrate", "baseline", "--no-compare", "--to", "1", "--yes"])
        .ok();
    database.sql(
        "drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         drop table toysoldiers.deploys, toysoldiers.detached, toysoldiers.runs, toysoldiers.steps;
         update toysoldiers.installation set version = 2",
    );
    let shop = Tool::new().hiding(&database);
    shop.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    for (name, text) in FILES {
        shop.write(&format!("database/migrations/{name}"), text);
    }
    assert_snapshot!(shop.run(&["--env", "shop", "migrate", "baseline", "--no-compare", "--to", "2", "--dry-run"]), @"
    -- stdout
    plan: take over 1 migration
      upgrade the schema toysoldiers to version 7
      stamp shop  (from now on the database belongs to this environment)
      mark 002_b as applied  (without running it)
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(shop.run(&["--env", "shop", "migrate", "baseline", "--no-compare", "--to", "2", "--yes"]), @"
    -- stdout
    MIGRATION
    002_b
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    marked 1 migration as applied (database/migrations); 1 pending; stamped the database as shop
    -- exit 0
    ");
    assert_eq!(
        database.value("select environment || version from toysoldiers.installation"),
        "shop7"
    );
}

#[test]
fn what_differs_is_shown_before_anything_is_marked() {
    let (database, tool) = with(&[
        (
            "001_a.sql",
            "create table a(b int not null, c text);\ncreate index a_b on a(b);",
        ),
        (
            "002_d.sql",
            "create view d with (security_barrier = true) as select b from a;",
        ),
    ]);
    let tool = tool.hide(&database.name, "DB");
    let server = database.url();
    let baseline = |more: &[&str]| {
        tool.run(&[&["migrate", "baseline", "--scratch-url", &server], more].concat())
    };
    database.sql("create table a(b int, c text); create view d as select b from a");
    assert_snapshot!(baseline(&["--dry-run"]), @"
    -- stdout
    plan: take over 2 migrations
      compare the database with what these migrations make  (it differs in 3 places, - as they make it, + as it is)
          changed table public.a
            - column b integer not null
            + column b integer
          missing index public.a_b
            - CREATE INDEX a_b ON public.a USING btree (b)
          changed view public.d
            - with (security_barrier=true)
      mark 001_a as applied  (without running it)
      mark 002_d as applied  (without running it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(baseline(&["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 2 migrations
      compare the database with what these migrations make  (it differs in 3 places, - as they make it, + as it is)
          changed table public.a
            - column b integer not null
            + column b integer
          missing index public.a_b
            - CREATE INDEX a_b ON public.a USING btree (b)
          changed view public.d
            - with (security_barrier=true)
      mark 001_a as applied  (without running it)
      mark 002_d as applied  (without running it)
    error: cannot take over 2 migrations without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm DB`
    -- exit 6
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    // Only the first, after somebody put it right.
    database.sql("alter table a alter b set not null; create index a_b on a(b); drop view d");
    assert_snapshot!(baseline(&["--to", "1", "--yes"]), @"
    -- stdout
    MIGRATION
    001_a
    -- stderr
    -> (url)  SOCKET/DB as postgres
    marked 1 migration as applied (database/migrations); 1 pending
    -- exit 0
    ");
    assert_eq!(history(&database), "1 a");
    database.sql("create view d as select b from a");
    baseline(&["--confirm", &database.name]).ok();
    assert_eq!(history(&database), "1 a, 2 d");
}

#[test]
fn a_comparison_that_cannot_be_made_can_be_left_out() {
    let (database, tool) = with(&FILES);
    let tool = tool.env("TOYSOLDIERS_LOCAL_DIR", "/dev/null/toysoldiers");
    assert_snapshot!(tool.run(&["migrate", "baseline", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot compare the database with what these migrations make
      caused by: the folder /dev/null/toysoldiers cannot be used
      caused by: not a directory
      hint: name a server like the environment's, with its roles and extensions, with `--scratch-url`
      hint: or leave the comparison out with `--no-compare`, if you know what is there
    -- exit 1
    ");
    tool.run(&["migrate", "baseline", "--no-compare", "--yes"])
        .ok();
    assert_eq!(history(&database), "1 a, 2 b, 3 c");
}
