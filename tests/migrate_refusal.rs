//! Files that are refused before anything runs, and histories that do not fit the files.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Tool};

/// The refusal of a second migration; nothing of the first has run either.
fn refusal(name: &str, text: &str) -> String {
    let (database, tool) = with(&[("001_a.sql", "create table a();"), (name, text)]);
    let outcome = tool.run(&["migrate", "up"]);
    assert_eq!(
        database
            .value("select to_regclass('a') is null and to_regnamespace('toysoldiers') is null"),
        "t"
    );
    outcome.to_string()
}

#[test]
fn transaction_control_is_refused() {
    assert_snapshot!(refusal("002_b.sql", "create table b();\n  commit;\ncreate table c();\n"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: COMMIT does not belong in a migration: each one is a transaction of its own
      --> database/migrations/002_b.sql:2:3
         |
       2 |   commit;
         |   ^^^^^^
      note: nothing was run
      hint: remove the transaction control; everything in the file happens, or nothing does
    -- exit 1
    ");
    assert_snapshot!(refusal("002_b.sql", "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE b();\nROLLBACK;\n"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: BEGIN does not belong in a migration: each one is a transaction of its own
      --> database/migrations/002_b.sql:1:1
         |
       1 | BEGIN ISOLATION LEVEL SERIALIZABLE;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      note: and 1 more; `toysoldiers migrate check` lists them
      hint: to choose the kind of transaction, such as its isolation level, begin the file with `set transaction ...;`, or put `begin ...;` and `commit;` around all of it
    -- exit 1
    ");
}

/// As Prisma changes an enum.
const ENUM: &str = r#"-- CreateTable
create table "a" ("role" "Role");

-- AlterEnum
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('a', 'b');
ALTER TABLE "a" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
COMMIT;

-- AlterTable
alter table "a" add column "b" text;
"#;

#[test]
fn begin_and_commit_around_a_part_of_a_file_are_left_out() {
    let (database, tool) = with(&[
        ("001_role.sql", "create type \"Role\" as enum ('a', 'c');"),
        ("002_a.sql", ENUM),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value("select string_agg(enumlabel, ',') from pg_enum"),
        "a,b"
    );
    let outcome = tool.run(&["migrate", "check", "database/migrations/002_a.sql"]);
    assert!(
        outcome
            .stdout
            .contains("note: BEGIN and COMMIT around a part of the file change nothing"),
        "{outcome}"
    );
    assert!(!outcome.stdout.contains("transaction-"), "{outcome}");
    tool.run(&["migrate", "verify"]).ok();
    // What fails takes with it what stood before the COMMIT.
    tool.write(
        "database/migrations/003_b.sql",
        "begin;\ncreate table b();\ncommit;\nselect 1 / 0;\n",
    );
    tool.run(&["migrate", "up"]).code(1);
    assert_eq!(database.value("select to_regclass('b') is null"), "t");
}

#[test]
fn what_counts_on_a_commit_that_is_left_out_is_refused() {
    assert_snapshot!(refusal("002_b.sql", "begin;\nalter type mood add value 'calm';\ncommit;\ninsert into t values ('calm');\n"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: 'calm' of the enum mood cannot be used before it is committed, and the COMMIT is left out: the file is one transaction
      --> database/migrations/002_b.sql:4:23
         |
       4 | insert into t values ('calm');
         |                       ^^^^^^
      note: nothing was run
      hint: begin the file with `-- toysoldiers: no-transaction` and leave out BEGIN and COMMIT, or put what follows the COMMIT into the next migration
    -- exit 1
    ");
    assert_snapshot!(refusal("002_b.sql", "begin;\nset local search_path = app;\ncommit;\ncreate table b();\n"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: SET LOCAL would last to the end of the file: its COMMIT is left out
      --> database/migrations/002_b.sql:2:1
         |
       2 | set local search_path = app;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: put what follows the COMMIT into the next migration
    -- exit 1
    ");
}

#[test]
fn a_new_value_of_an_enum_is_used_once_it_is_committed() {
    let (database, tool) = with(&[("001_mood.sql", "create type mood as enum ('a');")]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/002_b.sql",
        "alter type mood add value 'b';\n",
    );
    tool.write("database/migrations/003_t.sql", "select 'b'::mood;\n");
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 003_t.sql failed
      caused by: unsafe use of new value "b" of enum type mood
      --> database/migrations/003_t.sql:1:8
         |
       1 | select 'b'::mood;
         |        ^^^
      note: nothing of the 2 migrations in this transaction was kept; 001_mood is the last applied migration
      hint: New enum values must be committed before they can be used
      hint: leave out `--one-transaction`, so that each migration is committed: `toysoldiers migrate up`
    -- exit 1
    "#);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/004_c.sql",
        "alter type mood add value 'c';\nselect 'c'::mood;\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 004_c.sql failed
      caused by: unsafe use of new value "c" of enum type mood
      --> database/migrations/004_c.sql:2:8
         |
       2 | select 'c'::mood;
         |        ^^^
      note: nothing of 004_c was kept; 003_t is the last applied migration
      hint: New enum values must be committed before they can be used
      hint: use the value in the next migration
      hint: or begin the file with `-- toysoldiers: no-transaction`
    -- exit 1
    "#);
    assert_eq!(database.value("select count(*) from pg_enum"), "2");
}

#[test]
fn commands_for_psql_are_refused() {
    assert_snapshot!(refusal("002_b.sql", "\\set ON_ERROR_STOP on\ncreate table b();\n\\i other.sql\n"), @r"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: this is a command for psql, which a migration cannot hold
      --> database/migrations/002_b.sql:1:1
         |
       1 | \set ON_ERROR_STOP on
         | ^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      note: and 1 more; `toysoldiers migrate check` lists them
      hint: write it in SQL, or remove it
    -- exit 1
    ");
}

#[test]
fn the_half_of_a_file_that_another_tool_runs_to_undo_it_is_refused() {
    let dbmate = "-- migrate:up\ncreate table b();\n\n-- migrate:down\ndrop table b;\n";
    assert_snapshot!(refusal("002_b.sql", dbmate), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: to dbmate what follows undoes the migration; here it runs with the rest
      --> database/migrations/002_b.sql:4:1
         |
       4 | -- migrate:down
         | ^^^^^^^^^^^^^^^
      note: nothing was run
      hint: take the files over with `migrate baseline --from dbmate --migrations FOLDER`, or move what undoes the migration into NNN_description.down.sql, and remove the marker
    -- exit 1
    ");
    let tern = "create table b();\n\n---- create above / drop below ----\n\ndrop table b;\n";
    assert_snapshot!(refusal("002_b.sql", tern), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: to tern what follows undoes the migration; here it runs with the rest
      --> database/migrations/002_b.sql:3:1
         |
       3 | ---- create above / drop below ----
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: move what undoes the migration into NNN_description.down.sql, and remove the marker
    -- exit 1
    ");
    let (_, tool) = with(&[("001_a.sql", dbmate)]);
    let outcome = tool
        .run(&["migrate", "baseline", "--no-compare", "--yes"])
        .code(1);
    assert!(outcome.stderr.contains("--from dbmate"), "{outcome}");
    let outcome = tool.run(&["migrate", "verify"]).code(1);
    assert!(outcome.stderr.contains("--from dbmate"), "{outcome}");
}

#[test]
fn what_ran_before_there_was_a_rule_about_it_is_told_and_replayed() {
    let (database, tool) = with(&[("001_a.sql", "create table a();\n")]);
    tool.run(&["migrate", "up"]).ok();
    let both = "-- +migrate Up\ncreate table a();\n-- +migrate Down\ndrop table a;\n";
    tool.write("database/migrations/001_a.sql", both);
    database.sql("drop table a");
    tool.run(&["migrate", "repair", "--yes"]).ok();
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the database is at 001_a (1 migration, database/migrations)
    warning: database/migrations/001_a.sql:3:1: to sql-migrate what follows undoes the migration; here it runs with the rest (other-tool-section)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    tool.run(&["migrate", "verify"]).ok();
}

#[test]
fn how_another_tool_runs_a_file_is_told() {
    let (_, tool) = with(&[(
        "001_a.sql",
        "-- +goose NO TRANSACTION\ncreate table \"a\" (b text default '${env}');\n-- +goose Down\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/001_a.sql:1:1: `-- +goose NO TRANSACTION` is a comment here: goose runs this file without a transaction, and here it is one (other-tool-marker)
    warning: database/migrations/001_a.sql:2:14: the table a is made without row-level security (table-without-row-security)
    warning: database/migrations/001_a.sql:2:35: nothing fills in ${env} here (placeholder)
    warning: database/migrations/001_a.sql:3:1: `-- +goose Down` is a comment here: the file is written for goose (other-tool-marker)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
}

#[test]
fn what_has_no_end_is_refused_where_it_begins() {
    assert_snapshot!(refusal("002_b.sql", "select 1;\nselect $$abc;\n"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: this dollar-quoted string has no end
      --> database/migrations/002_b.sql:2:8
         |
       2 | select $$abc;
         |        ^
      note: nothing was run
      hint: end it
    -- exit 1
    ");
    assert_snapshot!(refusal("002_b.sql", "select 1; /* and on"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql cannot be applied
      caused by: this comment has no end
      --> database/migrations/002_b.sql:1:11
         |
       1 | select 1; /* and on
         |           ^
      note: nothing was run
      hint: end it
    -- exit 1
    ");
}

#[test]
fn names_that_do_not_fit_are_refused() {
    assert_snapshot!(refusal("tip_currency.sql", "select 1;"), @"
    -- stderr
    error: database/migrations/tip_currency.sql does not fit: it does not begin with a number
      note: a migration is named NNN_description.sql, the description of letters, digits and underscores
      hint: rename the file, or move it out of the folder
    -- exit 1
    ");
    assert_snapshot!(refusal("002_tip_currency.SQL", "select 1;"), @"
    -- stderr
    error: database/migrations/002_tip_currency.SQL does not fit: its ending is not .sql in lower case
      note: a migration is named NNN_description.sql, the description of letters, digits and underscores
      hint: rename the file, or move it out of the folder
    -- exit 1
    ");
    assert_snapshot!(refusal("002_tip-currency.sql", "select 1;"), @"
    -- stderr
    error: database/migrations/002_tip-currency.sql does not fit: its description contains '-'
      note: a migration is named NNN_description.sql, the description of letters, digits and underscores
      hint: rename the file, or move it out of the folder
    -- exit 1
    ");
}

#[test]
fn migrations_in_folders_below_are_not_left_out_in_silence() {
    let (_, tool) = with(&[]);
    for name in ["20240101000000_init", "20240102000000_tips"] {
        let file = format!("database/migrations/{name}/migration.sql");
        std::fs::create_dir_all(tool.path().join(&file).parent().unwrap()).unwrap();
        tool.write(&file, "create table a();\n");
    }
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    error: database/migrations holds no migration, and a folder below it does
      note: there is database/migrations/20240101000000_init/migration.sql, and 1 more like it, as Prisma has them
      note: nothing was run
      hint: take the files over with `migrate baseline --from prisma --migrations FOLDER`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["migrate", "check"]), @"
    -- stdout
    error: this file and 1 more like it stand in folders below, where Prisma looks for them, and are not run [nested-file]
      --> database/migrations/20240101000000_init/migration.sql
      why: only what stands in the folder itself is run
      instead: take the files over with `migrate baseline --from prisma --migrations FOLDER`
    -- stderr
    0 files checked (database/migrations): 1 error
    -- exit 3
    ");
    tool.run(&["migrate", "status"]).code(1);
    tool.run(&["migrate", "new", "a"]).ok();
    std::fs::remove_file(tool.path().join("database/migrations/001_a.sql")).unwrap();
    tool.write("database/migrations/001_a.sql", "select 1;");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/20240101000000_init/migration.sql: this file and 1 more like it stand in folders below, where Prisma looks for them, and are not run (nested-file)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
}

#[test]
fn the_names_of_another_tool_are_refused_with_the_way_to_take_its_files_over() {
    assert_snapshot!(refusal("U1__tips.sql", "drop table tips;"), @"
    -- stderr
    error: database/migrations/U1__tips.sql does not fit: it does not begin with a number
      note: a migration is named NNN_description.sql, the description of letters, digits and underscores
      hint: take the files over with `migrate baseline --from flyway --migrations FOLDER`, or `--from refinery`
    -- exit 1
    ");
}

#[test]
fn two_files_of_one_number_are_refused() {
    assert_snapshot!(refusal("1_b.sql", "select 1;"), @"
    -- stderr
    error: two migrations have the number 1: 001_a.sql and 1_b.sql
      hint: give the one that is not applied yet the next free number
    -- exit 1
    ");
}

#[test]
fn what_is_not_utf_8_is_refused_with_its_place() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    for bytes in [&b"-- caf\xe9\n"[..], b"\xff\xfes\0e\0l\0", b"select '\0';"] {
        tool.write("database/migrations/002_b.sql", bytes);
        tool.run(&["migrate", "up"]).code(1);
        tool.run(&["migrate", "status"]).code(1);
    }
    tool.write("database/migrations/002_b.sql", b"select 1;\n-- caf\xe9\n");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    error: database/migrations/002_b.sql is not UTF-8 text: byte 0xe9 at offset 16
      --> database/migrations/002_b.sql:2:7
         |
       2 | -- caf�
         |       ^
      note: nothing was run
      hint: save the file as UTF-8
    -- exit 1
    ");
    assert_eq!(database.value("select to_regclass('a') is null"), "t");
}

/// A database where 001, 002 and 003 ran.
fn three() -> (Database, Tool) {
    let (database, tool) = with(&[
        ("001_a.sql", "select 1;"),
        ("002_b.sql", "select 2;"),
        ("003_c.sql", "select 3;"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    (database, tool)
}

#[test]
fn an_edited_file_is_refused() {
    let (_, tool) = three();
    tool.write("database/migrations/002_b.sql", "select 22;");
    tool.write("database/migrations/004_d.sql", "select 4;");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql was changed after it was applied
      note: nothing was changed
      hint: put the file back as it was, and make the change in a new one: `toysoldiers migrate new b`
      hint: or accept it as it is: `toysoldiers migrate repair 002_b`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  b  edited  NOW  tester@HOST DURATION
    003  c  applied  NOW  tester@HOST DURATION
    004  d  pending  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 applied, 1 pending (database/migrations); 1 in trouble, which `toysoldiers migrate up` explains
    -- exit 0
    ");
    tool.run(&["migrate", "status", "--check"]).code(3);
}

#[test]
fn a_renamed_file_is_refused() {
    let (_, tool) = three();
    let folder = tool.path().join("database/migrations");
    std::fs::rename(folder.join("002_b.sql"), folder.join("002_beta.sql")).unwrap();
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_beta.sql was applied under another name, b
      note: nothing was changed
      hint: name the file 002_b.sql again, or accept it as it is: `toysoldiers migrate repair 002`
    -- exit 1
    ");
}

#[test]
fn a_deleted_file_is_refused() {
    let (_, tool) = three();
    std::fs::remove_file(tool.path().join("database/migrations/002_b.sql")).unwrap();
    std::fs::remove_file(tool.path().join("database/migrations/003_c.sql")).unwrap();
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_b was applied, and its file is gone
      note: 003_c is deleted too
      note: nothing was changed
      hint: bring 002_b.sql back, from version control say
      hint: or forget that it ran: `toysoldiers migrate repair 002_b --undone`
    -- exit 1
    ");
}

#[test]
fn a_late_file_is_refused() {
    let (database, tool) = with(&[("001_a.sql", "select 1;"), ("003_c.sql", "select 3;")]);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b();");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_b.sql came late: 003_c is applied already, and it has a higher number
      note: nothing was changed
      hint: give the file a number after the last one, so that every database runs the same order
    -- exit 1
    ");
    assert_eq!(database.value("select to_regclass('b') is null"), "t");
}

#[test]
fn migrations_of_another_database_are_told_from_trouble_with_files() {
    let (_, tool) = three();
    tool.write("elsewhere/001_x.sql", "select 1;");
    tool.write("elsewhere/002_y.sql", "select 2;");
    assert_snapshot!(tool.run(&["migrate", "up", "--migrations", "elsewhere"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database has none of these migrations (elsewhere)
      note: nothing was changed
      hint: name the folder of its migrations with `--migrations`, or the right database with `--env`
    -- exit 1
    ");
    std::fs::remove_dir_all(tool.path().join("database")).unwrap();
    tool.run(&["migrate", "up"]).code(1);
}

#[test]
fn trouble_is_counted_to_its_end() {
    let names: Vec<String> = (1..=9).map(|number| format!("{number:03}_a.sql")).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), "select 1;"))
        .collect();
    let (_, tool) = with(&files);
    tool.run(&["migrate", "up"]).ok();
    for name in &names[1..] {
        std::fs::remove_file(tool.path().join("database/migrations").join(name)).unwrap();
    }
    let outcome = tool.run(&["migrate", "up"]).code(1);
    assert!(
        outcome
            .stderr
            .contains("note: and 2 more; `toysoldiers migrate status` lists them"),
        "{outcome}"
    );
}
