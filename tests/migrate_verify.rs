//! `migrate verify`: a replay in a scratch database, and how far the environment is from it.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::local::Private;
use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::{Bouncer, Database, Server, Setup, Tool};

/// Makes the scratch database on the server the tests share.
fn verify(tool: &Tool, database: &Database, more: &[&str]) -> Outcome {
    let server = database.server.database("postgres").url();
    tool.run(&[&["migrate", "verify", "--scratch-url", &server], more].concat())
}

#[test]
fn the_platforms_schema_is_what_its_migrations_make() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: the database has not all that policy and index files declare, which is no drift: `toysoldiers deploy --dry-run` shows the rest
    replayed 13 migrations in DURATION (embedded in toysoldiers 0.1.0); the database is what its files make
    -- exit 0
    ");
}

#[test]
fn locks_and_rewrites_of_what_is_pending_are_told_with_the_size_of_the_tables_they_hit() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a (id int primary key);"),
        (
            "002_b.sql",
            "alter table a add b int;\nalter table a\n  alter id type bigint;\ncreate index on a (b);",
        ),
    ]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/003_c.sql",
        "create table c (a bigint references a (id));\nalter table a add c text default random()::text;",
    );
    database.sql("insert into a select n, n from generate_series(1, 1000) n; analyze a");
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    MIGRATION  STATEMENT  LINE  WHAT  TABLE  LOCK  REWRITES  SIZE  ROWS
    003_c  1  1  create table c (a bigint references a (id))  public.a  ShareRowExclusive  no  156 kB  1,000
    003_c  2  2  alter table a add c text default random()::text  public.a  AccessExclusive  yes  156 kB  1,000
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 3 migrations (1 pending) in DURATION (database/migrations); the database is what the applied files make
    -- exit 0
    ");
    assert_snapshot!(verify(&tool, &database, &["--all"]), @"
    -- stdout
    MIGRATION  STATEMENT  LINE  WHAT  TABLE  LOCK  REWRITES  SIZE  ROWS
    002_b  1  1  alter table a add b int  public.a  AccessExclusive  no  156 kB  1,000
    002_b  2  2  alter table a alter id type bigint  public.a  AccessExclusive  yes  156 kB  1,000
    003_c  1  1  create table c (a bigint references a (id))  public.a  ShareRowExclusive  no  156 kB  1,000
    003_c  2  2  alter table a add c text default random()::text  public.a  AccessExclusive  yes  156 kB  1,000
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 3 migrations (1 pending) in DURATION (database/migrations); the database is what the applied files make
    -- exit 0
    ");
}

/// Everything that can be declared, or nearly.
const ALL: &str = "
create schema app;
create extension citext;
create type app.mood as enum ('fine', 'so so');
create type app.pair as (a int, b text);
create domain app.cents as int default 0 check (value >= 0);
create sequence app.tickets increment 5;
create table app.users (
  id bigint generated always as identity primary key,
  email citext not null unique,
  name text collate \"C\" default 'nobody',
  lower_name text generated always as (lower(name)) stored,
  mood app.mood,
  paid app.cents
);
comment on table app.users is 'people';
comment on column app.users.name is 'as they like';
create index users_mood on app.users (mood) where mood is not null;
create statistics app.users_stats on name, mood from app.users;
alter table app.users enable row level security;
create policy own on app.users for select to anon using (name = current_user);
create view app.fine with (security_barrier = true) as select id, name from app.users where mood = 'fine';
create materialized view app.counts as select mood, count(*) from app.users group by mood;
create function app.twice(n int) returns int language sql security definer set search_path = pg_catalog as $$
  select n * 2
$$;
create procedure app.noop() language sql as 'select 1';
create aggregate app.longest(text) (sfunc = textcat, stype = text);
create function app.touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before update on app.users for each row execute function app.touch();
create rule quiet as on delete to app.fine do instead nothing;
create table app.log (at date not null) partition by range (at);
create table app.log_2026 partition of app.log for values from ('2026-01-01') to ('2027-01-01');
grant select (email) on app.users to anon;
grant select on app.fine to anon with grant option;
revoke execute on function app.twice(int) from public;
grant usage on schema app to anon;
alter default privileges in schema app grant select on tables to anon;
create publication app_changes for table app.users;
";

fn anon(database: &Database) {
    database.sql("do $$ begin create role anon nologin; exception when duplicate_object or unique_violation then null; end $$");
}

#[test]
fn drift_is_seen_whatever_kind_of_thing_was_changed_by_hand() {
    let (database, tool) = with(&[("001_all.sql", ALL)]);
    anon(&database);
    tool.run(&["migrate", "up"]).ok();
    verify(&tool, &database, &[]).ok();
    database.sql(
        "alter table app.users no force row level security, alter name set not null, alter name drop default;
         alter table app.users disable row level security;
         comment on table app.users is 'all people';
         alter table app.users drop constraint users_email_key;
         alter table app.users add constraint named check (name <> '');
         drop index app.users_mood;
         drop statistics app.users_stats;
         alter policy own on app.users to public using (true);
         create policy more on app.users as restrictive for insert with check (false);
         alter view app.fine reset (security_barrier);
         create or replace function app.twice(n int) returns int language sql set search_path = pg_catalog as 'select n + n';
         grant execute on function app.twice(int) to public;
         alter table app.users disable trigger touch;
         drop rule quiet on app.fine;
         alter type app.mood add value 'awful' before 'so so';
         alter domain app.cents drop default;
         alter sequence app.tickets increment 7;
         grant select (name), update on app.users to anon;
         revoke all on app.fine from anon;
         grant create on schema app to anon;
         alter default privileges in schema app grant insert on tables to anon;
         alter publication app_changes set (publish = 'insert');
         drop materialized view app.counts;
         create table app.stray (id int primary key);
         grant select on app.stray to anon;
         create schema elsewhere; create table elsewhere.a ()",
    );
    // PostgreSQL 16 names the table of a column only where there are several.
    let told = verify(&tool, &database, &[]).to_string();
    assert_snapshot!(told.replace("users.mood", "mood"), @r#"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  changed  default privileges of the owner on tables in app  + insert to anon
    drift  changed  grants on schema app  + create to anon
    drift  changed  domain app.cents  - default 0
    drift  missing  materialized view app.counts  -  SELECT mood,
                                                                        -  count(*) AS count
                                                                        -  FROM app.users
                                                                        -  GROUP BY mood;
    drift  changed  view app.fine  - with (security_barrier=true)
    drift  missing  grants on view app.fine  - select to anon with grant option
    drift  missing  rule quiet on app.fine  - CREATE RULE quiet AS
                                                                        -  ON DELETE TO app.fine DO INSTEAD NOTHING;
    drift  changed  enum app.mood  + 'awful'
    drift  extra  table app.stray  + column id integer not null
    drift  changed  sequence app.tickets  - as bigint start 1 increment 5 minvalue 1 maxvalue 9223372036854775807 cache 1
                                                                        + as bigint start 1 increment 7 minvalue 1 maxvalue 9223372036854775807 cache 1
    drift  changed  function app.twice(integer)  -  SECURITY DEFINER
                                                                        - AS $function$
                                                                        -  select n * 2
                                                                        - $function$
                                                                        + AS $function$select n + n$function$
    drift  extra  grants on function app.twice(integer)  + execute to public
    drift  changed  table app.users  - column name text collate "C" default 'nobody'::text comment 'as they like'
                                                                        - row-level security enabled
                                                                        - comment 'people'
                                                                        + column name text collate "C" not null comment 'as they like'
                                                                        + comment 'all people'
    drift  extra  constraint named on app.users  + CHECK ((name <> ''::text))
    drift  missing  constraint users_email_key on app.users  - UNIQUE (email)
    drift  changed  grants on table app.users  + select (name) to anon
                                                                        + update to anon
    drift  missing  index app.users_mood  - CREATE INDEX users_mood ON app.users USING btree (mood) WHERE (mood IS NOT NULL)
    drift  extra  policy more on app.users  + restrictive for insert to public
                                                                        + with check false
    drift  changed  policy own on app.users  - permissive for select to anon
                                                                        - using (name = CURRENT_USER)
                                                                        + permissive for select to public
                                                                        + using true
    drift  missing  statistics app.users_stats  - CREATE STATISTICS app.users_stats ON name, mood FROM app.users
    drift  changed  trigger touch on app.users  + disabled
    drift  changed  publication app_changes  - insert, update, delete, truncate
                                                                        + insert
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: schemas that no migration mentions are not compared: elsewhere
    replayed 1 migration in DURATION (database/migrations); the database is not what its files make: - as declared, + as found
    -- exit 3
    "#);
}

#[test]
fn what_only_looks_otherwise_is_no_drift() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a (id int, b text);\ncreate view v as select * from a where b in ('x', 'y');\ngrant select, insert on a to anon;",
    )]);
    anon(&database);
    database.sql("do $$ begin create role keeper nologin; exception when duplicate_object or unique_violation then null; end $$");
    // Another owner, columns that stand elsewhere, rights given in another order.
    tool.run(&["migrate", "up"]).ok();
    database.sql(
        "alter table a drop id cascade;
         alter table a add id int;
         create view v as select id, b from a where b = any (array['x', 'y']);
         revoke all on a from anon; grant insert on a to anon; grant select on a to anon;
         alter table a owner to keeper; alter view v owner to keeper",
    );
    verify(&tool, &database, &[]).ok();
}

#[test]
fn what_undoes_a_migration_is_proved() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a (id int);"),
        ("001_a.down.sql", "drop table a;"),
        (
            "002_b.sql",
            "create table if not exists b (id int); create index on b (id); create or replace view v as select 1 as x;",
        ),
        ("002_b.down.sql", "drop table b cascade;\n"),
        ("003_c.sql", "create table c (id int);"),
        ("003_c.down.sql", "-- no\ndrop table d;"),
        (
            "004_d.sql",
            "do $$ begin if to_regclass('d') is null then create table d (id int); else alter table d add b int; end if; end $$;",
        ),
        ("004_d.down.sql", "select 1;"),
        ("005_e.down.sql", "select 1;"),
    ]);
    assert_snapshot!(verify(&tool, &database, &[]), @r#"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    002_b.down.sql does not restore  extra  view public.v  +  SELECT 1 AS x;
    004_d.down.sql does not restore  extra  table public.d  + column id integer
    004_d.down.sql cannot be repeated  changed  table public.d  + column b integer
    003_c.down.sql  fails  line 2  table "d" does not exist
    005_e.down.sql  stray  -  there is no migration 005_e
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 4 migrations (4 pending) in DURATION (database/migrations); 1 migration undone and repeated; no migration is applied, and the database is empty; 5 flaws in files that undo migrations
    -- exit 3
    "#);
    let json = verify(&tool, &database, &["-o", "json"]).code(3).json();
    let undone: Vec<&serde_json::Value> = json["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["undone"])
        .collect();
    assert_eq!(undone, [true, false, false, false]);
    assert_snapshot!(json["downs"][0], @r#"{"file":"002_b.down.sql","flaw":"not_restored","reason":null,"line":null,"differences":[{"state":"extra","kind":"view","name":"public.v","declared":null,"found":[" SELECT 1 AS x;"]}]}"#);
}

#[test]
fn a_migration_that_cannot_follow_its_own_undoing_is_a_finding() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a (id int);\ncreate table b ();"),
        ("001_a.down.sql", "drop table a;"),
    ]);
    assert_snapshot!(verify(&tool, &database, &[]), @r#"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    001_a.down.sql does not restore  extra  table public.b
    001_a.down.sql  cannot be repeated  -  database/migrations/001_a.sql:2: relation "b" already exists
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 1 migration (1 pending) in DURATION (database/migrations); no migration is applied, and the database is empty; 2 flaws in files that undo migrations
    -- exit 3
    "#);
}

#[test]
fn what_is_wrong_with_one_file_is_blamed_on_no_other_and_hides_no_drift() {
    let (database, tool) = with(&[
        ("001_t.sql", "create table t (id int);"),
        ("001_t.down.sql", "drop table t;"),
        ("002_a.sql", "alter table t add column a int;"),
        ("002_a.down.sql", "-- nothing yet\n"),
        ("003_v.sql", "create view v as select 1 as one;"),
        ("003_v.down.sql", "select 1;"),
        ("004_u.sql", "create table u (id int);"),
        ("004_u.down.sql", "drop table u;"),
        // Without a file that undoes it.
        (
            "005_w.sql",
            "create table w (id int);\ninsert into w values (1);",
        ),
        (
            "006_i.sql",
            "-- toysoldiers: no-transaction\ncreate index concurrently w_id on w (id);",
        ),
        ("006_i.down.sql", "drop index w_id;"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    database.sql("create table stray (id int)");
    for more in [&[][..], &["-o", "json"]] {
        let outcome = verify(&tool, &database, more).code(3);
        if more.is_empty() {
            assert_snapshot!(outcome, @r#"
            -- stdout
            FINDING  STATE  OBJECT  DIFFERENCE
            drift  extra  table public.stray  + column id integer
            003_v.down.sql does not restore  extra  view public.v  +  SELECT 1 AS one;
            002_a.down.sql  fails  line 1  there is no statement in this file
            003_v.down.sql  cannot be repeated  -  database/migrations/003_v.sql:1: relation "v" already exists
            -- stderr
            -> (url)  SOCKET/DB as postgres
            replayed 6 migrations in DURATION (database/migrations); 3 migrations undone and repeated; the database is not what its files make: - as declared, + as found; 3 flaws in files that undo migrations
            -- exit 3
            "#);
            continue;
        }
        let json = outcome.json();
        let migrations = json["migrations"].as_array().unwrap().iter();
        let undone: Vec<String> = migrations.map(|one| one["undone"].to_string()).collect();
        assert_eq!(undone, ["true", "false", "false", "true", "null", "true"]);
    }
}

#[test]
fn whether_a_migration_can_be_undone_has_one_answer() {
    for (down, expected) in [
        ("drop index concurrently t_id;", Some((1, 1, 1))),
        (
            "-- toysoldiers: no-transaction\ndrop index t_id;",
            Some((1, 17, 6)),
        ),
        (
            "-- toysoldiers: no-transaction\ndrop index concurrently t_id;",
            Some((1, 17, 6)),
        ),
        ("-- later", Some((1, 1, 6))),
        ("drop index t_id; commit;", Some((1, 18, 1))),
        ("drop index t_id;", None),
        ("begin; drop index t_id; commit;", None),
    ] {
        let (database, tool) = with(&[
            (
                "001_t.sql",
                "create table t (id int primary key); create index t_id on t (id);",
            ),
            ("001_t.down.sql", "drop table t;"),
            ("002_i.sql", "create index t_id_2 on t (id);"),
            ("002_i.down.sql", down),
        ]);
        tool.write(
            "database/migrations/002_i.sql",
            "drop index t_id; create index t_id on t (id);",
        );
        tool.run(&["migrate", "up"]).ok();
        let check = tool.run(&["migrate", "check", "-o", "json"]);
        let is_error = |finding: &&serde_json::Value| finding["level"] == "error";
        let check = check.json();
        let errors: Vec<_> = check.as_array().unwrap().iter().filter(is_error).collect();
        let verified = verify(&tool, &database, &["-o", "json"]).code(3).json();
        let verified = &verified["downs"][0];
        let undone = tool.run(&["migrate", "down", "--dry-run"]);
        let Some((line, column, code)) = expected else {
            assert!(errors.is_empty(), "{down}: {check}");
            assert_eq!(verified["flaw"], "not_restored", "{down}: {verified}");
            undone.ok();
            continue;
        };
        assert_eq!(errors[0]["line"], line, "{down}: {check}");
        assert_eq!(errors[0]["column"], column, "{down}: {check}");
        assert_eq!(verified["line"], line, "{down}: {verified}");
        assert_eq!(verified["flaw"], "fails", "{down}: {verified}");
        assert_eq!(verified["reason"], errors[0]["message"], "{down}");
        let undone = undone.code(code).to_string();
        assert!(
            undone.contains(&format!("002_i.down.sql:{line}:{column}")),
            "{undone}"
        );
        let advice = errors[0]["rewrite"].as_str().unwrap();
        assert!(undone.contains(advice), "{undone}");
        assert!(!advice.contains("begins with"), "{advice}");
    }
}

/// The scratch databases there are.
fn scratches(database: &Database) -> usize {
    database
        .sql("select 1 from pg_database where starts_with(datname, 'toysoldiers_scratch_')")
        .len()
}

#[test]
fn a_migration_that_fails_shows_its_place_and_leaves_nothing() {
    let server = Server::start(&Setup::new());
    let database = server.database("postgres");
    let tool = Tool::new().on(&database);
    for (text, place) in [
        (
            "create table a ();\n\nalter table a add b nonsense;",
            "001_x.sql:3:21",
        ),
        (
            "create table a (id int);\ninsert into a values (1);\nselect 1 / count(*) from a\nwhere id = 2;",
            "001_x.sql:3:1",
        ),
        (
            "-- toysoldiers: no-transaction\ncreate table a (id int);\ncreate index concurrently on b (id);",
            "001_x.sql:3:1",
        ),
        ("create table a (id int", "001_x.sql:1:23"),
        (
            "create table a (id int primary key, b int references a deferrable initially deferred);\ninsert into a values (1, 2);",
            "",
        ),
    ] {
        tool.write("m/001_x.sql", text);
        let outcome = verify(&tool, &database, &["--migrations", "m"]).code(1);
        assert!(
            outcome
                .stderr
                .contains("migration 001_x.sql failed in the scratch database")
                && outcome.stderr.contains(place),
            "{outcome}"
        );
        assert!(
            outcome
                .stderr
                .contains("the scratch database was dropped again"),
            "{outcome}"
        );
    }
    tool.write("m/001_x.sql", "create extension vector;");
    let outcome = verify(&tool, &database, &["--migrations", "m"]).code(1);
    assert!(
        outcome
            .stderr
            .contains("hint: install the extension on the scratch server"),
        "{outcome}"
    );
    assert_eq!(scratches(&database), 0);
}

#[test]
fn an_interrupted_replay_leaves_nothing() {
    let server = Server::start(&Setup::new());
    let database = server.database("postgres");
    let tool = Tool::new().on(&database);
    let url = database.url();
    let sleep = "select pg_sleep(600);";
    let args = [
        "migrate",
        "verify",
        "--migrations",
        "m",
        "--scratch-url",
        &url,
    ];
    // In the scratch database, and in the copy in which a migration is undone.
    for (up, down) in [(sleep, ""), ("create table a ();", sleep)] {
        tool.write("m/001_x.sql", up);
        tool.write("m/001_x.down.sql", down);
        let child = tool.spawn(&args);
        database.wait_until(
            "select count(*) = 1 from pg_stat_activity where query like 'select pg_sleep(600)%'",
        );
        assert_eq!(scratches(&database), if down == sleep { 2 } else { 1 });
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let outcome = tool.outcome(child);
        insta::allow_duplicates! {
            assert_snapshot!(outcome, @"
            -- stderr
            -> (url)  SOCKET/DB as postgres
            error: interrupted
              note: the scratch database was dropped again
            -- exit 130
            ");
        }
        assert_eq!(scratches(&database), 0);
    }
    tool.write("m/001_x.down.sql", "select 1;");
    tool.run(&args).code(3);
    assert_eq!(scratches(&database), 0);
}

#[test]
fn a_history_in_trouble_is_told_and_compared_as_far_as_it_goes() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a (id int);"),
        ("002_b.sql", "create table b (id int);"),
        ("004_d.sql", "create table d (id int);"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/001_a.sql",
        "create table a (id bigint);",
    );
    std::fs::remove_file(tool.path().join("database/migrations/002_b.sql")).unwrap();
    tool.write("database/migrations/003_c.sql", "create table c (id int);");
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  changed  table public.a  - column id bigint
                                      + column id integer
    drift  extra  table public.b  + column id integer
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: 001_a was edited after it was applied; its file is replayed as it is now
    warning: 002_b was applied, and its file is gone: what it made is not replayed
    warning: 003_c came late; it is replayed after those that are applied
    replayed 3 migrations (1 pending) in DURATION (database/migrations); the database is not what its files make: - as declared, + as found
    -- exit 3
    ");
}

#[test]
fn a_database_that_toysoldiers_never_saw_is_compared_with_nothing() {
    let (database, tool) = with(&[("001_a.sql", "create table a (id int);")]);
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 1 migration (1 pending) in DURATION (database/migrations); no migration is applied, and the database is empty
    -- exit 0
    ");
    database.sql("create table a (id int)");
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  extra  table public.a  + column id integer
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 1 migration (1 pending) in DURATION (database/migrations); no migration is applied, and the database is not empty
    -- exit 3
    ");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

#[test]
fn a_role_without_rights_can_verify_and_one_that_makes_no_databases_cannot() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a (id int); create schema s; create view s.v as select id from a; revoke all on schema s from public;",
    )]);
    tool.run(&["migrate", "up"]).ok();
    database.sql("do $$ begin create role reader login; exception when duplicate_object or unique_violation then null; end $$; grant usage on schema toysoldiers to reader; grant select on all tables in schema toysoldiers to reader");
    let reader = Tool::new().on_as(&database, "reader");
    reader.write("database/migrations/001_a.sql", "create table a (id int); create schema s; create view s.v as select id from a; revoke all on schema s from public;");
    assert_snapshot!(verify(&reader, &database, &[]).ok().stderr, @"
    -> (url)  SOCKET/DB as reader
    note: what only pg_dump tells apart was not compared, such as operators, casts, collations, foreign servers and row filters: pg_dump failed: query failed: ERROR:  permission denied for table a
    replayed 1 migration in DURATION (database/migrations); the database is what its files make
    ");
    let server = database.server.database("postgres").url_as("reader");
    assert_snapshot!(tool.run(&["migrate", "verify", "--scratch-url", &server]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot make a scratch database on SOCKET/postgres as reader
      caused by: permission denied to create database
      note: nothing was changed
      hint: have the role allowed to: `alter role "reader" createdb`; or name another server with `--scratch-url`
    -- exit 6
    "#);
}

#[test]
fn an_address_that_leads_nowhere_is_an_error_and_its_password_is_not_told() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    for url in [
        "postgresql://me:s3cret@/x?host=/nonexistent",
        "postgresql://me:s3cret@/x?host=/nonexistent&sslmode=never",
        "postgresql://me:s3cret",
    ] {
        let outcome = tool.run(&["migrate", "verify", "--scratch-url", url, "-vv"]);
        assert!(matches!(outcome.code, Some(4 | 5)), "{outcome}");
        assert!(!outcome.to_string().contains("s3cret"), "{outcome}");
    }
    let tool = Tool::new();
    let outcome = tool
        .run(&[
            "migrate",
            "verify",
            "--database-url",
            "postgresql://me@/x?host=/nonexistent",
        ])
        .code(5);
    assert!(outcome.stderr.contains("/nonexistent"), "{outcome}");
}

#[test]
fn the_password_of_the_scratch_server_is_told_to_nobody_else() {
    let database = Database::migrated();
    database.clerk();
    let server = database.server.database("postgres").url_as("clerk");
    let url = server.replacen('@', ":open%20sesame@", 1);
    let tool = Tool::new().on(&database);
    for form in [&["-vv"][..], &["-vv", "-o", "json"]] {
        let outcome = tool
            .run(&[&["migrate", "verify", "--scratch-url", &url], form].concat())
            .ok();
        assert!(!outcome.to_string().contains("sesame"), "{outcome}");
    }
    // A file of passwords will do, and what is for the environment is for nobody else.
    let tool = Tool::new().env("SHOP_PASSWORD", "open sesame");
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\npassword_env = \"SHOP_PASSWORD\"\n",
            database.url_as("clerk")
        ),
    );
    let args = [
        "--env",
        "shop",
        "migrate",
        "verify",
        "--scratch-url",
        &server,
    ];
    tool.run(&args).code(5);
    let path = tool.write(".pgpass", "*:*:*:clerk:open sesame\n");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    tool.run(&args).ok();
}

#[test]
fn the_private_server_is_the_scratch_server_unless_another_is_named() {
    let private = Private::new();
    let database = Database::migrated();
    let outcome = private
        .tool
        .run(&[
            "migrate",
            "verify",
            "--database-url",
            &database.url(),
            "-o",
            "json",
        ])
        .ok();
    assert_eq!(outcome.json()["migrations"][9]["statements"], 3);
    let status = private
        .tool
        .run(&["local", "status", "-o", "json"])
        .ok()
        .json();
    assert_eq!(status["running"], true);
    assert!(!status.to_string().contains("scratch"), "{status}");
}

#[test]
fn a_pooler_in_transaction_mode_will_do_for_the_environment() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new();
    let server = database.server.database("postgres").url();
    let url = bouncer.url();
    tool.run(&[
        "migrate",
        "verify",
        "--database-url",
        &url,
        "--scratch-url",
        &server,
    ])
    .ok();
}

#[test]
fn what_some_migrations_make_can_be_compared_with_any_database() {
    use toysoldiers::migrate::{Files, verify};
    use toysoldiers::pg::{Db, Endpoint, Patience, Undo, catalog::Catalog};
    use toysoldiers::source::{MIGRATIONS, Source};

    let database = Database::migrated();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lines = runtime.block_on(async {
        let server = database.server.database("postgres").url();
        let server = Endpoint::parse(&server).unwrap();
        let here = Endpoint::parse(&database.url()).unwrap();
        let db = Db::connect(&here, Patience::default()).await.unwrap();
        let found = Catalog::read(&db).await.unwrap();
        let files = Files::load(&Source::Embedded(MIGRATIONS)).unwrap();
        let some: Vec<_> = files.all.iter().take(9).chain(&files.all[10..]).collect();
        let undo = Undo::default();
        let compared = verify::compare_with(&found, &some, &server, &undo).await;
        assert_eq!(undo.carry_out().await, [""; 0]);
        compared.unwrap().lines()
    });
    assert_eq!(lines[0], "extra view public.dashboard_creator");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("  + ")),
        "{lines:?}"
    );
}

#[test]
fn rows_are_written_under_the_lock_of_the_first_and_another_table_has_its_own() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a (id int, b text); create table \"A\" (id int);",
    )]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/002_b.sql",
        "insert into a values (1, 'x');\ninsert into a values (2, 'insert into');\ninsert into \"A\" values (1);\n\
         create table c (id int);\nalter table c add d int;\nupdate a set id = 1;\nalter table a add c text default random()::text;\n\
         insert into a values (3);\nalter table a rename to e;\nselect * from e for update;",
    );
    tool.write(
        "database/migrations/003_c.sql",
        "alter table e add f int;\nalter table c add e int;\ndrop table \"A\";\ntruncate c;",
    );
    assert_snapshot!(verify(&tool, &database, &[]).stdout, @r#"
    MIGRATION  STATEMENT  LINE  WHAT  TABLE  LOCK  REWRITES  SIZE  ROWS
    002_b  1  1  insert into a values (1, 'x')  public.a  RowExclusive  no  8.2 kB  -
    002_b  3  3  insert into "A" values (1)  public.A  RowExclusive  no  0 B  -
    002_b  7  7  alter table a add c text default random()::text  public.a  AccessExclusive  yes  8.2 kB  -
    003_c  1  1  alter table e add f int  public.e  AccessExclusive  no  -  -
    003_c  2  2  alter table c add e int  public.c  AccessExclusive  no  -  -
    003_c  3  3  drop table "A"  public.A  AccessExclusive  no  0 B  -
    "#);
}

#[test]
fn outside_of_a_transaction_only_what_is_certain_is_told() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "create table a (id int, b int); create schema s; create table s.b (id int);",
    )]);
    tool.run(&["migrate", "up"]).ok();
    tool.write(
        "database/migrations/002_b.sql",
        "-- toysoldiers: no-transaction\ncreate index concurrently on a (b);\ncreate unique index concurrently x on only s.b using btree (id);\nvacuum a;\nvacuum full a;\ntruncate a;\nalter table a alter b type bigint;",
    );
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    MIGRATION  STATEMENT  LINE  WHAT  TABLE  LOCK  REWRITES  SIZE  ROWS
    002_b  1  2  create index concurrently on a (b)  public.a  ShareUpdateExclusive  no  0 B  -
    002_b  2  3  create unique index concurrently x on only s.b using btree (...  s.b  ShareUpdateExclusive  no  0 B  -
    002_b  4  5  vacuum full a  public.a  AccessExclusive  yes  0 B  -
    002_b  6  7  alter table a alter b type bigint  public.a  AccessExclusive  yes  0 B  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 2 migrations (1 pending) in DURATION (database/migrations); the database is what the applied files make
    -- exit 0
    ");
}

#[test]
fn rows_in_a_file_are_copied() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a (id int, b int);"),
        (
            "002_b.sql",
            "copy a from stdin;\n1\t2\n\\.\ncopy a from stdin;\nx\t2\n\\.\n",
        ),
    ]);
    assert_snapshot!(verify(&tool, &database, &[]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_b.sql failed in the scratch database
      caused by: invalid input syntax for type integer: "x"
      --> database/migrations/002_b.sql:4:1
         |
       4 | copy a from stdin;
         | ^^^^^^^^^^^^^^^^^
      note: in COPY a, line 1, column id: "x"
      note: the database of the environment was only read
      note: the scratch database was dropped again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/002_b.sql",
        "copy a from stdin;\n1\t2\n\\.\nalter table a add check (id < b);",
    );
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    MIGRATION  STATEMENT  LINE  WHAT  TABLE  LOCK  REWRITES  SIZE  ROWS
    002_b  1  1  copy a from stdin  public.a  RowExclusive  no  -  -
    002_b  2  4  alter table a add check (id < b)  public.a  AccessExclusive  no  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 2 migrations (2 pending) in DURATION (database/migrations); no migration is applied, and the database is empty
    -- exit 0
    ");
}

#[test]
fn the_table_of_another_tool_is_no_drift() {
    let (database, tool) = crate::migrate::with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    database.sql(
        "create table _sqlx_migrations (version bigint primary key, description text not null)",
    );
    let server = database.url();
    let outcome = tool
        .run(&["migrate", "verify", "--scratch-url", &server])
        .ok()
        .to_string();
    assert!(
        outcome
            .contains("table public._sqlx_migrations is another tool's history, and is left out"),
        "{outcome}"
    );
}

#[test]
fn after_a_deploy_only_what_was_changed_by_hand_is_drift() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        findings(&verify(&tool, &database, &["-o", "json"])),
        [""; 0]
    );
    tool.run(&["policy", "apply", "--yes"]).ok();
    assert_eq!(
        findings(&verify(&tool, &database, &["-o", "json"])),
        [""; 0]
    );
    tool.run(&["deploy", "--yes", "--no-backup"]).ok();
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 13 migrations in DURATION (embedded in toysoldiers 0.1.0); the database is what its files make
    -- exit 0
    ");
    database.sql("alter table users add hack int");
    assert_snapshot!(verify(&tool, &database, &[]), @"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  changed  table public.users  + column hack integer
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 13 migrations in DURATION (embedded in toysoldiers 0.1.0); the database is not what its files make: - as declared, + as found
    -- exit 3
    ");
    // What is there of what a file declares has to be as declared; so has what was there.
    database.sql(
        "create index extra on tips (created_at); grant insert on users to anon;
         create policy extra on users for select to anon using (true);
         alter policy content_read on content using (true);
         drop index content_tags_idx; alter table users disable row level security",
    );
    let found = findings(&verify(&tool, &database, &["-o", "json"]));
    assert_eq!(
        found,
        [
            "missing index public.content_tags_idx",
            "changed policy content_read on public.content",
            "extra index public.extra",
            "changed table public.users",
            "changed grants on table public.users",
            "extra policy extra on public.users"
        ]
    );
}

/// What differs, in short.
fn findings(outcome: &Outcome) -> Vec<String> {
    let json = outcome.json();
    let drift = json["drift"].as_array().unwrap().iter();
    let text = |one: &serde_json::Value| {
        let words = ["state", "kind", "name"].map(|key| one[key].as_str().unwrap().to_owned());
        words.join(" ")
    };
    drift.map(text).collect()
}

#[test]
fn files_that_speak_of_what_is_not_there_yet_are_left_to_deploy() {
    let (database, tool) = with(&[(
        "001_t.sql",
        "create table t (id int, owner text); create table u (id int);",
    )]);
    anon(&database);
    tool.write(
        "database/policies/t.sql",
        "alter table t enable row level security; create policy own on t for select to anon using (owner = current_user);",
    );
    tool.write(
        "database/indexes/t.sql",
        "create index t_owner on t (owner);",
    );
    tool.run(&["deploy", "--yes", "--no-backup"]).ok();
    // Of a table, of a column, and of an index of the future; and what came before goes on.
    tool.write(
        "database/migrations/002_v.sql",
        "create table v (id int); alter table u add owner text; alter policy own on t using (true);",
    );
    for relation in ["u", "v"] {
        tool.write(
            &format!("database/policies/{relation}.sql"),
            format!("alter table {relation} enable row level security; create policy own on {relation} for select to anon using (id = 1);"),
        );
    }
    tool.write(
        "database/indexes/u.sql",
        "create index u_owner on u (owner);",
    );
    tool.write("database/indexes/v.sql", "create index v_id on v (id);");
    assert_snapshot!(verify(&tool, &database, &[]).ok().stderr, @"
    -> (url)  SOCKET/DB as postgres
    note: the database has not all that policy and index files declare, which is no drift: `toysoldiers deploy --dry-run` shows the rest
    replayed 2 migrations (1 pending) in DURATION (database/migrations); the database is what the applied files make
    ");
    database.sql("drop table u; create policy more on t for insert to anon with check (true)");
    assert_eq!(
        findings(&verify(&tool, &database, &["-o", "json"])),
        ["extra policy more on public.t", "missing table public.u"]
    );
    // What cannot be read is said.
    std::fs::remove_file(tool.path().join("database/migrations/002_v.sql")).unwrap();
    tool.write("database/policies/t.sql", "select 1;");
    let outcome = verify(&tool, &database, &[]).code(3).stderr;
    assert!(
        outcome.contains("warning: policies are compared with migrations alone: "),
        "{outcome}"
    );
}
