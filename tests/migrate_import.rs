//! `migrate baseline --from`: taking over from other tools, with tables as they make them.

use insta::assert_snapshot;
use toysoldiers::migrate::import::checksum;

use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

/// The table of each tool, as the tool makes it.
pub const TABLES: [(&str, &str); 6] = [
    (
        "supabase",
        "create schema if not exists supabase_migrations;
         create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
         alter table supabase_migrations.schema_migrations add column if not exists statements text[];
         alter table supabase_migrations.schema_migrations add column if not exists name text",
    ),
    (
        "sqlx",
        "create table if not exists _sqlx_migrations (
             version bigint primary key,
             description text not null,
             installed_on timestamptz not null default now(),
             success boolean not null,
             checksum bytea not null,
             execution_time bigint not null
         )",
    ),
    (
        "diesel",
        "create table if not exists __diesel_schema_migrations (
             version varchar(50) primary key not null,
             run_on timestamp not null default current_timestamp
         )",
    ),
    (
        "dbmate",
        "create table if not exists schema_migrations (version varchar not null primary key)",
    ),
    (
        "flyway",
        r#"create table flyway_schema_history (
             "installed_rank" int not null primary key,
             "version" varchar(50),
             "description" varchar(200) not null,
             "type" varchar(20) not null,
             "script" varchar(1000) not null,
             "checksum" integer,
             "installed_by" varchar(100) not null,
             "installed_on" timestamp not null default now(),
             "execution_time" integer not null,
             "success" boolean not null
         );
         create index "flyway_schema_history_s_idx" on flyway_schema_history ("success")"#,
    ),
    (
        "golang_migrate",
        "create table if not exists schema_migrations (version bigint not null primary key, dirty boolean not null)",
    ),
];

/// A database with the table of a tool, which has these rows, and the tool's files in `theirs`.
fn with(tool: &str, rows: &str, files: &[(&str, &str)]) -> (Database, Tool) {
    let database = Database::empty();
    let (_, table) = TABLES.iter().find(|(name, _)| *name == tool).unwrap();
    database.sql(table);
    database.sql(rows);
    let run = Tool::new().on(&database);
    std::fs::create_dir_all(run.path().join("theirs")).unwrap();
    for (name, text) in files {
        run.write(&format!("theirs/{name}"), text);
    }
    (database, run)
}

fn take(tool: &Tool, from: &str, more: &[&str]) -> Outcome {
    let words = [
        "migrate",
        "baseline",
        "--from",
        from,
        "--migrations",
        "theirs",
    ];
    tool.run(&[&words, more].concat())
}

fn history(database: &Database) -> String {
    database
        .sql("select version || ' ' || name from toysoldiers.history order by version")
        .join(", ")
}

/// Names and texts of our files.
fn ours(tool: &Tool) -> String {
    let files = tool.folder().list("database/migrations").into_iter();
    let shown = files.map(|file| {
        let path = tool.path().join("database/migrations").join(&file);
        format!("{file}: {:?}", std::fs::read_to_string(path).unwrap())
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// Nothing was changed.
fn is_untouched(database: &Database, tool: &Tool) {
    assert_eq!(ours(tool), "");
    assert!(!tool.path().join("database").exists());
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

fn sqlx_row(version: i64, text: &str) -> String {
    format!(
        "insert into _sqlx_migrations values ({version}, 'x', '2026-03-01 10:00+00', true, sha384($text${text}$text$::bytea), 5);"
    )
}

fn flyway_row(rank: i32, version: &str, kind: &str, text: &str) -> String {
    let checksum = checksum::flyway(text);
    format!(
        "insert into flyway_schema_history values ({rank}, {version}, 'x', '{kind}', 'x', {checksum}, 'app', now(), 5, true);"
    )
}

#[test]
fn sqlx() {
    let (database, tool) = with(
        "sqlx",
        &format!(
            "{}{}",
            sqlx_row(1, "create table a();\n"),
            sqlx_row(2, "-- no-transaction\nvacuum;\n")
        ),
        &[
            ("1_users and more.up.sql", "create table a();\r\n"),
            ("1_users and more.down.sql", "drop table a;\n"),
            ("2_vacuum.sql", "-- no-transaction\nvacuum;\n"),
            ("3_b.sql", "create table b();\n"),
            ("README.md", "not a migration"),
        ],
    );
    assert_snapshot!(take(&tool, "sqlx", &["--dry-run"]), @"
    -- stdout
    plan: take over 3 migrations of sqlx
      write database/migrations/001_users_and_more.sql  (of theirs/1_users and more.up.sql; applied there at TIME)
          and database/migrations/001_users_and_more.down.sql
      write database/migrations/002_vacuum.sql  (of theirs/2_vacuum.sql; applied there at TIME)
      write database/migrations/003_b.sql  (of theirs/3_b.sql; pending)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    is_untouched(&database, &tool);
    take(&tool, "sqlx", &[]).code(6);
    is_untouched(&database, &tool);
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/1_users and more.up.sql  001_users_and_more.sql  applied
    theirs/2_vacuum.sql  002_vacuum.sql  applied
    theirs/3_b.sql  003_b.sql  pending
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 3 migrations of sqlx
      write database/migrations/001_users_and_more.sql  (of theirs/1_users and more.up.sql; applied there at TIME)
          and database/migrations/001_users_and_more.down.sql
      write database/migrations/002_vacuum.sql  (of theirs/2_vacuum.sql; applied there at TIME)
      write database/migrations/003_b.sql  (of theirs/3_b.sql; pending)
    wrote 4 files into database/migrations, marked 2 migrations as applied
    `toysoldiers migrate check` tells what else they need to run on an empty database
    -- exit 0
    ");
    assert_snapshot!(ours(&tool), @r#"
    001_users_and_more.down.sql: "drop table a;\n"
    001_users_and_more.sql: "create table a();\n"
    002_vacuum.sql: "-- toysoldiers: no-transaction\n-- no-transaction\nvacuum;\n"
    003_b.sql: "create table b();\n"
    "#);
    assert_eq!(history(&database), "1 users_and_more, 2 vacuum");
    assert_snapshot!(database.sql("select version, action, outcome, message, sql from toysoldiers.runs order by id").join("\n"), @"
    1|baseline|done|taken over from sqlx, which applied it at 2026-03-01T10:00:00Z|create table a();

    2|baseline|done|taken over from sqlx, which applied it at 2026-03-01T10:00:00Z|-- toysoldiers: no-transaction
    -- no-transaction
    vacuum;
    ");
    // Theirs is as it was.
    assert_eq!(tool.folder().list("theirs").len(), 5);
    assert_eq!(database.value("select count(*) from _sqlx_migrations"), "2");
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select to_regclass('b') is not null"), "t");
    // Once more there is nothing to do, also with a migration of ours behind theirs.
    database.sql(&sqlx_row(3, "create table b();\n"));
    tool.write("database/migrations/004_c.sql", "create table c();");
    tool.run(&["migrate", "up"]).ok();
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/1_users and more.up.sql  001_users_and_more.sql  applied
    theirs/2_vacuum.sql  002_vacuum.sql  applied
    theirs/3_b.sql  003_b.sql  applied
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to take over: all of it is in database/migrations and in the history
    -- exit 0
    ");
    // A file of ours that is gone comes back.
    std::fs::remove_file(tool.path().join("database/migrations/003_b.sql")).unwrap();
    take(&tool, "sqlx", &["--yes"]).ok();
    tool.run(&["migrate", "status", "--check"]).ok();
}

#[test]
fn what_sqlx_has_in_disorder_is_named_all_at_once() {
    let (database, tool) = with(
        "sqlx",
        &format!(
            "{}{}{}update _sqlx_migrations set success = false where version = 3;",
            sqlx_row(2, "create table b();"),
            sqlx_row(3, "create table c();"),
            sqlx_row(4, "create table d();"),
        ),
        &[
            ("1_a.sql", "create table a();"),
            ("2_b.sql", "create table bb();"),
            ("3_c.sql", "create table c();"),
            ("5_e.sql", "create table e();"),
            ("5_f.sql", "create table f();"),
        ],
    );
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what sqlx has in theirs cannot be taken over as it is
      note: theirs/5_e.sql and theirs/5_f.sql have the same number
      note: sqlx says that 3 failed; mend it there first
      note: sqlx applied 4, and its file is missing
      note: theirs/2_b.sql is not the file that sqlx ran: the checksum is another one
      note: theirs/1_a.sql was not applied by sqlx, and later ones were: apply it there, or take it away
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn supabase() {
    let (database, tool) = with(
        "supabase",
        "insert into supabase_migrations.schema_migrations values ('20240101000000', '{create table a()}', 'add-users')",
        &[
            ("20240101000000_add-users.sql", "create table a();\n"),
            ("20240102000000_tips.sql", "create table tips();\n"),
        ],
    );
    assert_snapshot!(take(&tool, "supabase", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/20240101000000_add-users.sql  20240101000000_add_users.sql  applied
    theirs/20240102000000_tips.sql  20240102000000_tips.sql  pending
    -- stderr
    -> (url)  SOCKET/DB as postgres
    wrote 2 files into database/migrations, marked 1 migration as applied
    `toysoldiers migrate check` tells what else they need to run on an empty database
    -- exit 0
    ");
    assert_eq!(history(&database), "20240101000000 add_users");
    assert_snapshot!(ours(&tool), @r#"
    20240101000000_add_users.sql: "create table a();\n"
    20240102000000_tips.sql: "create table tips();\n"
    "#);
    let row =
        "insert into supabase_migrations.schema_migrations values ('20240103000000', null, 'gone')";
    let (database, tool) = with(
        "supabase",
        row,
        &[("20240102000000_tips.sql", "create table tips();\n")],
    );
    assert_snapshot!(take(&tool, "supabase", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what Supabase has in theirs cannot be taken over as it is
      note: Supabase applied 20240103000000, and its file is missing
      note: theirs/20240102000000_tips.sql was not applied by Supabase, and later ones were: apply it there, or take it away
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn diesel() {
    let (database, tool) = with(
        "diesel",
        "insert into __diesel_schema_migrations values ('00000000000000', '2026-03-01'), ('20240101000000', '2026-03-01')",
        &[
            (
                "00000000000000_diesel_initial_setup/up.sql",
                "create function f() returns int language sql as 'select 1';\n",
            ),
            (
                "00000000000000_diesel_initial_setup/down.sql",
                "drop function f;\n",
            ),
            ("2024-01-01-000000_users/up.sql", "create table a();\n"),
            ("2024-01-01-000000_users/down.sql", "drop table a;\n"),
            ("2024-01-02-000000_vacuum/up.sql", "vacuum;\n"),
            (
                "2024-01-02-000000_vacuum/metadata.toml",
                "run_in_transaction = false\n",
            ),
            (".gitkeep", ""),
        ],
    );
    assert_snapshot!(take(&tool, "diesel", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/00000000000000_diesel_initial_setup/up.sql  00000000000000_diesel_initial_setup.sql  applied
    theirs/2024-01-01-000000_users/up.sql  20240101000000_users.sql  applied
    theirs/2024-01-02-000000_vacuum/up.sql  20240102000000_vacuum.sql  pending
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 3 migrations of Diesel
      write database/migrations/00000000000000_diesel_initial_setup.sql  (of theirs/00000000000000_diesel_initial_setup/up.sql; applied there at TIME)
          and database/migrations/00000000000000_diesel_initial_setup.down.sql
      write database/migrations/20240101000000_users.sql  (of theirs/2024-01-01-000000_users/up.sql; applied there at TIME)
          and database/migrations/20240101000000_users.down.sql
      write database/migrations/20240102000000_vacuum.sql  (of theirs/2024-01-02-000000_vacuum/up.sql; pending)
    wrote 5 files into database/migrations, marked 2 migrations as applied
    `toysoldiers migrate check` tells what else they need to run on an empty database
    -- exit 0
    ");
    assert_eq!(
        history(&database),
        "0 diesel_initial_setup, 20240101000000 users"
    );
    assert_snapshot!(ours(&tool), @r#"
    00000000000000_diesel_initial_setup.down.sql: "drop function f;\n"
    00000000000000_diesel_initial_setup.sql: "create function f() returns int language sql as 'select 1';\n"
    20240101000000_users.down.sql: "drop table a;\n"
    20240101000000_users.sql: "create table a();\n"
    20240102000000_vacuum.sql: "-- toysoldiers: no-transaction\nvacuum;\n"
    "#);
    // The number 0 is one like any other.
    std::fs::remove_file(
        tool.path()
            .join("database/migrations/20240102000000_vacuum.sql"),
    )
    .unwrap();
    tool.write(
        "database/migrations/20240103000000_tips.sql",
        "create table tips();",
    );
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["migrate", "status", "--check"]).ok();
    let (database, tool) = with(
        "diesel",
        "insert into __diesel_schema_migrations values ('20240102000000'), ('latest')",
        &[("2024-01-01-000000_users/down.sql", "drop table a;\n")],
    );
    assert_snapshot!(take(&tool, "diesel", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what Diesel has in theirs cannot be taken over as it is
      note: theirs/2024-01-01-000000_users/down.sql belongs to no migration that is there
      note: Diesel applied latest, which is no number
      note: Diesel applied 20240102000000, and its file is missing
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn dbmate() {
    let (database, tool) = with(
        "dbmate",
        "insert into schema_migrations values ('20240101000000')",
        &[
            (
                "20240101000000_users.sql",
                "-- migrate:up\ncreate table a();\n\n-- migrate:down\ndrop table a;\n",
            ),
            (
                "20240102000000_vacuum.sql",
                "-- migrate:up transaction:false\nvacuum;\n\n-- migrate:down\n\n",
            ),
        ],
    );
    assert_snapshot!(take(&tool, "dbmate", &["--yes", "-o", "json"]), @r#"
    -- stdout
    {
      "tool": "dbmate",
      "folder": "database/migrations",
      "migrations": [
        {
          "theirs": "theirs/20240101000000_users.sql",
          "ours": "20240101000000_users.sql",
          "applied": true
        },
        {
          "theirs": "theirs/20240102000000_vacuum.sql",
          "ours": "20240102000000_vacuum.sql",
          "applied": false
        }
      ],
      "written": 3,
      "marked": 1,
      "stamped": null,
      "upgraded": false
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 2 migrations of dbmate
      write database/migrations/20240101000000_users.sql  (of theirs/20240101000000_users.sql; applied there)
          and database/migrations/20240101000000_users.down.sql
      write database/migrations/20240102000000_vacuum.sql  (of theirs/20240102000000_vacuum.sql; pending)
    -- exit 0
    "#);
    assert_eq!(history(&database), "20240101000000 users");
    assert_snapshot!(ours(&tool), @r#"
    20240101000000_users.down.sql: "drop table a;\n"
    20240101000000_users.sql: "create table a();\n"
    20240102000000_vacuum.sql: "-- toysoldiers: no-transaction\nvacuum;\n"
    "#);
    let (database, tool) = with(
        "dbmate",
        "insert into schema_migrations values ('1')",
        &[("1_a.sql", "create table a();\n")],
    );
    assert_snapshot!(take(&tool, "dbmate", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what dbmate has in theirs cannot be taken over as it is
      note: theirs/1_a.sql has no `-- migrate:up`
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn flyway() {
    let rows = [
        flyway_row(1, "'1'", "SQL", "create table a();\n"),
        flyway_row(2, "'1.1'", "SQL", "create table b();\n"),
        flyway_row(3, "'2'", "SQL", "create table c();\n"),
        flyway_row(4, "'2'", "UNDO_SQL", ""),
    ];
    let (database, tool) = with(
        "flyway",
        &rows.concat(),
        &[
            ("V1__users.sql", "create table a();\r\n"),
            ("U1__users.sql", "drop table a;\n"),
            ("more/V1_1__tips and more.sql", "create table b();\n"),
            ("V2__views.sql", "create table c(x ${type});\n"),
            ("V10__vacuum.sql", "vacuum;\n"),
            ("V10__vacuum.sql.conf", "executeInTransaction=false\n"),
        ],
    );
    assert_snapshot!(tool.redact(&take(&tool, "flyway", &["--dry-run"]).to_string()), @"
    -- stdout
    plan: take over 4 migrations of Flyway
      write database/migrations/001_users.sql  (of theirs/V1__users.sql; applied there at TIME as app)
          and database/migrations/001_users.down.sql
      write database/migrations/002_tips_and_more.sql  (of theirs/more/V1_1__tips and more.sql; applied there at TIME as app)
      write database/migrations/003_views.sql  (of theirs/V2__views.sql; pending; holds ${type}, which only Flyway fills in)
      write database/migrations/004_vacuum.sql  (of theirs/V10__vacuum.sql; pending)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(take(&tool, "flyway", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/V1__users.sql  001_users.sql  applied
    theirs/more/V1_1__tips and more.sql  002_tips_and_more.sql  applied
    theirs/V2__views.sql  003_views.sql  pending
    theirs/V10__vacuum.sql  004_vacuum.sql  pending
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 4 migrations of Flyway
      write database/migrations/001_users.sql  (of theirs/V1__users.sql; applied there at TIME as app)
          and database/migrations/001_users.down.sql
      write database/migrations/002_tips_and_more.sql  (of theirs/more/V1_1__tips and more.sql; applied there at TIME as app)
      write database/migrations/003_views.sql  (of theirs/V2__views.sql; pending; holds ${type}, which only Flyway fills in)
      write database/migrations/004_vacuum.sql  (of theirs/V10__vacuum.sql; pending)
    wrote 5 files into database/migrations, marked 2 migrations as applied
    `toysoldiers migrate check` tells what else they need to run on an empty database
    -- exit 0
    ");
    assert_eq!(history(&database), "1 users, 2 tips_and_more");
    assert_snapshot!(ours(&tool), @r#"
    001_users.down.sql: "drop table a;\n"
    001_users.sql: "create table a();\n"
    002_tips_and_more.sql: "create table b();\n"
    003_views.sql: "create table c(x ${type});\n"
    004_vacuum.sql: "-- toysoldiers: no-transaction\nvacuum;\n"
    "#);
}

#[test]
fn what_flyway_has_in_disorder_is_named_all_at_once() {
    let rows = [
        flyway_row(1, "'1'", "SQL", "create table a();"),
        flyway_row(2, "'2'", "JDBC", ""),
        flyway_row(3, "null", "SQL", "create or replace view v as select 1;"),
        flyway_row(4, "'3'", "SQL", "create table c();"),
        "update flyway_schema_history set success = false where version = '3'".to_owned(),
    ];
    let (database, tool) = with(
        "flyway",
        &rows.concat(),
        &[
            ("V1__a.sql", "create table aa();"),
            ("V3__c.sql", "create table c();"),
            ("V4__d.sql", "select 'caf\u{e9}';"),
            ("V4.0__e.sql", "select 1;"),
            ("R__v.sql", "create or replace view v as select 1;"),
            ("U9__x.sql", "select 1;"),
        ],
    );
    std::fs::write(tool.path().join("theirs/V5__e.sql"), b"select 'caf\xe9';").unwrap();
    assert_snapshot!(take(&tool, "flyway", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what Flyway has in theirs cannot be taken over as it is
      note: theirs/R__v.sql is repeatable, which no migration of ours is: write what it makes as one of its own, and take it away
      note: theirs/V4.0__e.sql and theirs/V4__d.sql have the same number
      note: theirs/V5__e.sql is not UTF-8 text: byte 0xe9 at offset 11
      note: theirs/U9__x.sql belongs to no migration that is there
      note: 2 is no migration in SQL: Flyway calls it JDBC
      note: Flyway says that 3 failed; mend it there first
      note: theirs/V1__a.sql is not the file that Flyway ran: the checksum is another one
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn golang_migrate() {
    let (database, tool) = with(
        "golang_migrate",
        "insert into schema_migrations values (2, false)",
        &[
            ("000001_users.up.sql", "create table a();\n"),
            ("000001_users.down.sql", "drop table a;\n"),
            ("000002_tips.up.sql", "create table b();\n"),
            ("000003_vacuum.up.sql", "-- transaction:false\nvacuum;\n"),
        ],
    );
    assert_snapshot!(take(&tool, "golang-migrate", &["--yes"]), @"
    -- stdout
    THEIRS  OURS  STATE
    theirs/000001_users.up.sql  000001_users.sql  applied
    theirs/000002_tips.up.sql  000002_tips.sql  applied
    theirs/000003_vacuum.up.sql  000003_vacuum.sql  pending
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: take over 3 migrations of golang-migrate
      write database/migrations/000001_users.sql  (of theirs/000001_users.up.sql; applied there)
          and database/migrations/000001_users.down.sql
      write database/migrations/000002_tips.sql  (of theirs/000002_tips.up.sql; applied there)
      write database/migrations/000003_vacuum.sql  (of theirs/000003_vacuum.up.sql; pending)
    wrote 4 files into database/migrations, marked 2 migrations as applied
    `toysoldiers migrate check` tells what else they need to run on an empty database
    -- exit 0
    ");
    assert_eq!(history(&database), "1 users, 2 tips");
    assert_snapshot!(ours(&tool), @r#"
    000001_users.down.sql: "drop table a;\n"
    000001_users.sql: "create table a();\n"
    000002_tips.sql: "create table b();\n"
    000003_vacuum.sql: "-- toysoldiers: no-transaction\n-- transaction:false\nvacuum;\n"
    "#);
    let (database, tool) = with(
        "golang_migrate",
        "insert into schema_migrations values (2, true)",
        &[("000001_users.up.sql", "create table a();\n")],
    );
    assert_snapshot!(take(&tool, "golang-migrate", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what golang-migrate has in theirs cannot be taken over as it is
      note: golang-migrate calls 2 dirty: it failed halfway; mend it, then `migrate force`
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    is_untouched(&database, &tool);
}

#[test]
fn two_tools_that_call_their_table_alike_are_told_apart() {
    let files = [("1_a.up.sql", "select 1;")];
    let (_, tool) = with("golang_migrate", "", &files);
    assert_snapshot!(take(&tool, "dbmate", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: the table public.schema_migrations is golang-migrate's, not dbmate's
      note: nothing was changed
      hint: take over what golang-migrate did with `--from golang-migrate`
    -- exit 6
    ");
    let (_, tool) = with("dbmate", "", &files);
    let outcome = take(&tool, "golang-migrate", &["--yes"]).code(6);
    assert!(outcome.stderr.contains("--from dbmate"), "{outcome}");
    let tool = Tool::new().on(&Database::empty());
    tool.write("theirs/V1__a.sql", "select 1;");
    assert_snapshot!(take(&tool, "flyway", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: Flyway never migrated this database: its table public.flyway_schema_history is not there
      note: nothing was changed
      hint: mark migrations as applied with `toysoldiers migrate baseline`, without `--from`
    -- exit 6
    ");
}

#[test]
fn no_file_is_written_over_and_nothing_comes_in_between() {
    let (database, tool) = with(
        "sqlx",
        &sqlx_row(2, "create table b();"),
        &[
            ("2_b.sql", "create table b();"),
            ("4_d.sql", "create table d();"),
        ],
    );
    tool.write("database/migrations/002_b.sql", "create table z();");
    tool.write("database/migrations/4_x.sql", "create table x();");
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what sqlx has in theirs cannot be taken over as it is
      note: database/migrations/002_b.sql is there already, and says something else
      note: database/migrations/4_x.sql is there already, and has the number of 004_d.sql; name another folder with `--into`
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    std::fs::remove_file(tool.path().join("database/migrations/002_b.sql")).unwrap();
    std::fs::remove_file(tool.path().join("database/migrations/4_x.sql")).unwrap();
    tool.write("database/migrations/003_c.sql", "create table c();");
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: what sqlx has in theirs cannot be taken over as it is
      note: database/migrations/003_c.sql is none of sqlx's, and would come between them; name another folder with `--into`
      note: nothing was changed
      hint: put these in order, then run the command again
    -- exit 6
    ");
    assert_eq!(tool.folder().list("database/migrations"), ["003_c.sql"]);
    take(&tool, "sqlx", &["--yes", "--into", "elsewhere/m"]).ok();
    assert_eq!(
        tool.folder().list("elsewhere/m"),
        ["002_b.sql", "004_d.sql"]
    );
    assert_eq!(history(&database), "2 b");
}

#[test]
fn files_vanish_again_if_the_history_cannot_be_written() {
    let (database, tool) = with(
        "sqlx",
        &sqlx_row(1, "create table a();"),
        &[("1_a.sql", "create table a();")],
    );
    database.sql(
        "create function no() returns event_trigger language plpgsql as $$ begin raise 'not here'; end $$;
         create event trigger no on ddl_command_start execute function no()",
    );
    let outcome = take(&tool, "sqlx", &["--yes"]).code(1);
    assert!(outcome.stderr.contains("not here"), "{outcome}");
    database.sql("drop event trigger no");
    is_untouched(&database, &tool);
}

#[test]
fn a_history_of_ours_that_does_not_fit_is_left_alone() {
    let (_, tool) = with(
        "sqlx",
        &sqlx_row(1, "create table a();"),
        &[("1_a.sql", "create table a();")],
    );
    tool.write("other/001_z.sql", "create table z();");
    tool.run(&["migrate", "up", "--migrations", "other"]).ok();
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database has a history already, and it does not fit theirs
      note: 001_a is renamed
      note: nothing was changed
      hint: see `toysoldiers migrate status`
      hint: make them fit with `toysoldiers migrate repair`
    -- exit 6
    ");
}

#[test]
fn the_words_have_to_make_sense() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["migrate", "baseline", "--from", "sqlx"]), @"
    -- stderr
    error: where the migrations of sqlx are was not said
      hint: name their folder with `--migrations`
    -- exit 2
    ");
    assert_snapshot!(take(&tool, "sqlx", &["--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot read theirs
      caused by: no such file or directory
      hint: name the folder of the tool's migrations with `--migrations`
    -- exit 4
    ");
    tool.run(&["migrate", "baseline", "--from", "rails"])
        .code(2);
    tool.run(&["migrate", "baseline", "--into", "m"]).code(2);
    tool.run(&["migrate", "baseline", "--from", "sqlx", "--to", "1"])
        .code(2);
}
