//! Whether something else changed the schema: told at once, never forgotten before somebody looked, and never told
//! where nothing was changed.

use insta::assert_snapshot;
use serde_json::Value;

use crate::deploy::write;
use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

/// The program with the files of one table with its policy and its index.
fn beside(database: &Database) -> Tool {
    let tool = Tool::new().on(database);
    write(&tool);
    tool
}

/// A database of these, deployed.
fn deployed() -> (Database, Tool) {
    let database = Database::empty();
    let tool = beside(&database);
    tool.run(&["deploy"]).ok();
    (database, tool)
}

fn schema(tool: &Tool) -> Value {
    tool.run(&["status", "-o", "json"]).ok().json()["schema"].take()
}

pub fn state(tool: &Tool) -> String {
    schema(tool)["state"].as_str().unwrap().to_owned()
}

fn verify(tool: &Tool, database: &Database) -> Outcome {
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server])
}

/// The line about the schema, and what to do.
fn line(tool: &Tool) -> String {
    let shown = tool.run(&["status"]).ok();
    let is_it = |line: &&str| line.starts_with("schema") || line.contains("migrate verify");
    let text = shown.to_string();
    text.lines().filter(is_it).collect::<Vec<_>>().join("\n")
}

fn grow(tool: &Tool) {
    tool.write("database/migrations/002_more.sql", "create table more ();");
}

#[test]
fn what_was_changed_by_hand_stays_told_until_all_is_found_as_declared() {
    let (database, tool) = deployed();
    assert_snapshot!(line(&tool), @"schema  as left  as toysoldiers left it  NOW");
    let left = schema(&tool);
    assert_eq!(
        left["actor"]
            .as_str()
            .map(|actor| actor.starts_with("tester@")),
        Some(true),
        "{left}"
    );
    // With nothing to do nothing is hashed.
    for args in [&["migrate", "up"][..], &["policy", "apply"], &["deploy"]] {
        tool.run(args).ok();
        assert_eq!(schema(&tool), left, "{args:?}");
    }
    database.sql("alter policy read on items using (true)");
    assert_snapshot!(line(&tool), @"
    schema  changed  by something else, since toysoldiers left it  NOW
    `toysoldiers deploy --dry-run` shows what would be done; `toysoldiers migrate verify` shows what was changed
    ");
    tool.run(&["status", "--check"]).code(3);
    assert_eq!(schema(&tool)["since"], left["since"]);
    // Changes of ours go on, and do not make it good.
    grow(&tool);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(state(&tool), "changed");
    verify(&tool, &database).code(3);
    assert_eq!(state(&tool), "changed");
    // Nor is it forgotten once a deploy happens to have undone it.
    tool.run(&["deploy", "--yes", "--no-backup"]).ok();
    assert_eq!(schema(&tool)["state"], "changed");
    assert_eq!(schema(&tool)["since"], left["since"]);
    assert_eq!(tool.run(&["status", "--check"]).code, Some(3));
    // A dry run writes nothing.
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server, "--dry-run"])
        .ok();
    assert_eq!(state(&tool), "changed");
    assert_snapshot!(verify(&tool, &database).ok(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: the database remembers from now on that its schema was found as declared
    replayed 2 migrations in DURATION (database/migrations); the database is what its files make
    -- exit 0
    ");
    assert_eq!(state(&tool), "as_left");
    tool.run(&["status", "--check"]).ok();
    // There is nothing to remember any more.
    let again = verify(&tool, &database).ok();
    assert!(!again.stderr.contains("remembers"), "{again}");
}

#[test]
fn upkeep_is_no_change() {
    let (database, tool) = deployed();
    tool.write(
        "database/migrations/002_more.sql",
        "create table more (id serial primary key, n int generated always as identity, item int references items default 1, e text check (e > ''), v varchar(5) default 'x' not null);
         create table parts (id int) partition by range (id);
         create table part partition of parts for values from (0) to (9);
         create index parts_id on parts (id);
         create index more_e on more (lower(e)) where v > 'a';
         alter table more cluster on more_pkey;
         comment on index more_e is 'said';
         create view v as select m.id, i.owner from more m join items i on i.id = m.item;
         create materialized view mv as select id from more;
         create unique index mv_id on mv (id);
         create function f() returns trigger language plpgsql as 'begin return new; end';
         create trigger t before insert on more for each row execute function f();",
    );
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(state(&tool), "as_left");
    for upkeep in [
        "insert into items values (1, 'a', 2); insert into more (e) select 'x' from generate_series(1, 2000); delete from more where id > 1000",
        "select setval('more_id_seq', 7000)",
        "vacuum full",
        "analyze",
        "reindex database DB",
        "reindex table concurrently more",
        "reindex table concurrently parts",
        "reindex table concurrently mv",
        "cluster",
        "cluster more",
        "refresh materialized view mv",
        "refresh materialized view concurrently mv",
        "truncate more",
        "vacuum (freeze, analyze)",
        "create temp table tt as select * from items; create temp view tv as select * from tt",
        "do $$ begin create role r_upkeep; exception when duplicate_object or unique_violation then null; end $$; alter role r_upkeep set work_mem = '5MB'",
    ] {
        database.sql(&upkeep.replace("DB", &database.name));
        assert_eq!(state(&tool), "as_left", "{upkeep}");
    }
    // Nor is it, what is taken back.
    let session = database.session("begin; drop table more cascade");
    session.sql("rollback");
    assert_eq!(state(&tool), "as_left");
}

/// Until a statement of the program waits for a lock on this table.
fn waits_for(table: &str) -> String {
    format!(
        "select exists (select from pg_locks where not granted and relation = '{table}'::regclass)"
    )
}

#[test]
fn a_killed_run_is_told_apart_from_a_change_by_hand() {
    let (database, tool) = deployed();
    database.sql("create table gate ()");
    // The gate is what somebody else made.
    assert_eq!(state(&tool), "changed");
    tool.write(
        "database/migrations/002_gate.sql",
        "create table if not exists gate ();",
    );
    tool.run(&["migrate", "up"]).ok();
    verify(&tool, &database).ok();
    assert_eq!(state(&tool), "as_left");

    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and application_name like 'toysoldiers%'";
    tool.write(
        "database/migrations/003_late.sql",
        "lock table gate; create table late ();",
    );
    // Killed before it changed anything.
    let gate = database.session("begin; lock table gate");
    let mut killed = tool.spawn(&["migrate", "up", "--lock-timeout", "5min"]);
    database.wait_until(&waits_for("gate"));
    assert_eq!(state(&tool), "as_left");
    killed.kill().unwrap();
    killed.wait().unwrap();
    database.sql(end);
    drop(gate);
    assert_eq!(state(&tool), "as_left");

    // Killed after its change, before the hash was taken anew.
    let gate = database.session("begin; lock table gate");
    let mut killed = tool.spawn(&["migrate", "up", "--lock-timeout", "5min"]);
    database.wait_until(&waits_for("gate"));
    let hash = database.session("begin; lock table toysoldiers.schema_hash in share mode");
    drop(gate);
    database.wait_until(&waits_for("toysoldiers.schema_hash"));
    assert_eq!(
        database.value("select to_regclass('late') is not null"),
        "t"
    );
    assert_eq!(state(&tool), "at_work");
    killed.kill().unwrap();
    killed.wait().unwrap();
    database.sql(end);
    drop(hash);
    assert_snapshot!(line(&tool), @"
    schema  unknown  a run of toysoldiers was killed before its end  NOW
    `toysoldiers migrate verify` tells whether the schema is as declared
    ");
    tool.run(&["status", "--check"]).code(3);
    // The next run does not call it good either.
    tool.write("database/migrations/004_last.sql", "create table last ();");
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(state(&tool), "interrupted");
    verify(&tool, &database).ok();
    assert_eq!(state(&tool), "as_left");
}

#[test]
fn what_a_failed_run_has_left_is_its_own() {
    let (database, tool) = deployed();
    grow(&tool);
    tool.write(
        "database/migrations/003_bad.sql",
        "-- toysoldiers: no-transaction\ncreate table half ();\nselect 1 / 0;\n",
    );
    tool.run(&["migrate", "up"]).code(1);
    assert_eq!(
        database.value("select to_regclass('half') is not null"),
        "t"
    );
    assert_eq!(state(&tool), "as_left");
    // So is what is changed by whatever else changes something.
    for args in [
        &["policy", "detach", "items", "--yes"][..],
        &["policy", "attach", "items", "--yes"],
        &["index", "rebuild", "items_owner", "--yes"],
    ] {
        tool.run(args).ok();
        assert_eq!(state(&tool), "as_left", "{args:?}");
    }
    tool.write(
        "database/indexes/items.sql",
        "create index items_owner on items (owner); create index items_price on items (price);",
    );
    tool.run(&["index", "apply", "--yes"]).ok();
    assert_eq!(state(&tool), "as_left");
    // A later one finds what was done by hand before it.
    for args in [
        &["policy", "detach", "items", "--yes"][..],
        &["index", "rebuild", "items_owner", "--yes"],
    ] {
        let copy = database.twin();
        copy.sql("comment on table items is 'by hand'");
        let tool = beside(&copy);
        tool.run(args).ok();
        assert_eq!(state(&tool), "changed", "{args:?}");
    }
}

#[test]
fn runs_at_once_are_no_drift_of_one_another() {
    let (database, tool) = deployed();
    tool.write(
        "database/indexes/items.sql",
        "create index items_owner on items (owner); create index items_price on items (price);",
    );
    // A build waits for whoever has changed the table.
    let writer = database.session("begin; insert into items values (1, 'a', 1)");
    let builder = tool.spawn(&["index", "apply", "--yes"]);
    database.wait_until("select exists (select from pg_stat_progress_create_index where datname = current_database())");
    assert_eq!(state(&tool), "at_work");
    grow(&tool);
    tool.run(&["migrate", "up"]).ok();
    drop(writer);
    tool.outcome(builder).ok();
    assert_eq!(state(&tool), "as_left");
}

#[test]
fn whatever_others_wrote_is_hashed_and_not_read() {
    let (database, tool) = deployed();
    // Neither functions of theirs, nor an expression so deep that nothing can write it out.
    database.sql(
        "create function public.sha256(bytea) returns bytea language sql immutable as $$ select '\\x00'::bytea $$;
         create function public.encode(bytea, text) returns text language sql immutable as $$ select '' $$;
         create function public.row_security_active(text) returns boolean language sql as $$ select false $$",
    );
    let deep = format!(
        "create table deep (a int check ({} > 0))",
        vec!["a"; 3000].join(" + ")
    );
    database.sql(&deep);
    let role = format!(
        "alter database {} set max_stack_depth = '100kB'",
        database.name
    );
    database.sql(&role);
    let question =
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'deep'::regclass";
    assert!(database.refusal(question).contains("stack depth"));
    assert_eq!(state(&tool), "changed");
    grow(&tool);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(state(&tool), "changed");
}

#[test]
fn bookkeeping_without_a_place_for_it_says_so_until_the_next_change() {
    let (database, tool) = deployed();
    // As version 6 had it.
    database
        .sql("drop table toysoldiers.schema_hash; update toysoldiers.installation set version = 6");
    assert_snapshot!(line(&tool), @"schema  unknown  known after the next change by toysoldiers  -");
    tool.run(&["status", "--check"]).ok();
    tool.write("database/policies/items.sql", "alter table items enable row level security; create policy read on items for select using (price > 1); grant select on items to public;");
    tool.run(&["policy", "apply", "--yes"]).ok();
    assert_eq!(state(&tool), "unknown");
    // What was there before was looked at by nobody, so what is gone of it may never have been there.
    grow(&tool);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(state(&tool), "as_left");
    database.sql("drop policy read on items");
    assert_eq!(state(&tool), "changed");
    verify(&tool, &database).ok();
    tool.run(&["deploy", "--yes", "--no-backup"]).ok();
    verify(&tool, &database).ok();
    database.sql("drop policy read on items");
    verify(&tool, &database).code(3);
}

#[test]
fn a_dump_of_a_database_brings_no_hash_that_fits() {
    let (database, _) = deployed();
    let copy = Database::empty();
    let dump = format!(
        "{}/pg_dump -d '{}' | psql -qX -v ON_ERROR_STOP=1 -d '{}'",
        crate::support::server::bin().display(),
        database.url(),
        copy.url()
    );
    let done = std::process::Command::new("sh")
        .args(["-c", &dump])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let restored = beside(&copy);
    assert_snapshot!(line(&restored), @"
    schema  unknown  restored or upgraded since toysoldiers left it  NOW
    `toysoldiers migrate verify` tells whether the schema is as declared
    ");
    grow(&restored);
    restored.run(&["migrate", "up"]).ok();
    assert_eq!(state(&restored), "elsewhere");
    verify(&restored, &copy).ok();
    assert_eq!(state(&restored), "as_left");
}

#[test]
fn a_policy_or_an_index_that_was_applied_and_is_gone_is_drift() {
    let (database, tool) = deployed();
    database.sql("drop policy read on items; drop index items_owner");
    assert_snapshot!(verify(&tool, &database), @"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  missing  index public.items_owner  - CREATE INDEX items_owner ON public.items USING btree (owner)
    drift  missing  policy read on public.items  - permissive for select to public
                                                   - using (price > 0)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    replayed 1 migration in DURATION (database/migrations); the database is not what its files make: - as declared, + as found
    -- exit 3
    ");
    // A deploy makes it again, and whatever else was not applied yet is no drift.
    tool.run(&["deploy", "--yes", "--no-backup"]).ok();
    verify(&tool, &database).ok();
    tool.write("database/policies/items.sql", "alter table items enable row level security; create policy read on items for select using (price > 1); create policy more on items for select using (price < 0); grant select on items to public;");
    tool.write("database/indexes/items.sql", "create index items_owner on items (owner desc); create index items_price on items (price);");
    assert_snapshot!(verify(&tool, &database), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: the database has not all that policy and index files declare, which is no drift: `toysoldiers deploy --dry-run` shows the rest
    replayed 1 migration in DURATION (database/migrations); the database is what its files make
    -- exit 0
    ");
    // What somebody changed besides is.
    database.sql("alter policy read on items using (true)");
    assert_snapshot!(verify(&tool, &database), @"
    -- stdout
    FINDING  STATE  OBJECT  DIFFERENCE
    drift  changed  policy read on public.items  - using (price > 1)
                                                   + using true
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: the database has not all that policy and index files declare, which is no drift: `toysoldiers deploy --dry-run` shows the rest
    replayed 1 migration in DURATION (database/migrations); the database is not what its files make: - as declared, + as found
    -- exit 3
    ");
}

#[test]
fn a_policy_that_was_detached_is_not_gone() {
    let (database, tool) = deployed();
    // Also where something is in doubt.
    database.sql("comment on table items is 'by hand'");
    tool.run(&["policy", "detach", "items", "--yes"]).ok();
    database.sql("comment on table items is null");
    assert_eq!(state(&tool), "changed");
    verify(&tool, &database).ok();
    // Nothing is forgotten before all is there that files declare.
    assert_eq!(state(&tool), "changed");
    tool.run(&["policy", "attach", "items", "--yes"]).ok();
    verify(&tool, &database).ok();
    assert_eq!(state(&tool), "as_left");
    // A right that was taken by hand looks like one that was never given.
    database.sql("revoke select on items from public");
    verify(&tool, &database).ok();
    assert_eq!(state(&tool), "changed");
}

#[test]
fn a_copy_restored_from_a_backup_is_as_left_if_its_original_was() {
    let (database, tool) = deployed();
    let restored = |backup: usize| {
        let folder = format!("b{backup}");
        tool.run(&["backup", "create", "--to", &folder]).ok();
        let name = format!("{}_{backup}", database.name);
        tool.run(&[
            "backup", "restore", "latest", "--from", &folder, "--into", &name,
        ])
        .ok();
        let copy = Database::named(name, &database.server);
        let told = state(&beside(&copy));
        database.sql(&format!("drop database {}", copy.name));
        told
    };
    assert_eq!(restored(1), "as_left");
    database.sql("alter policy read on items using (true)");
    assert_eq!(restored(2), "elsewhere");
}

#[test]
fn a_role_that_may_not_write_the_hash_is_refused_before_anything_is_changed() {
    let (database, _) = deployed();
    let role = format!("runner_{}", database.name);
    database.sql(&format!(
        "create role {role} login; grant usage on schema toysoldiers to {role};
         grant all on all tables in schema toysoldiers to {role};
         grant all on schema public to {role};
         revoke update on toysoldiers.schema_hash from {role}"
    ));
    let runner = Tool::new().on_as(&database, &role).hide(&role, "RUNNER");
    write(&runner);
    grow(&runner);
    assert_snapshot!(runner.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as RUNNER
    error: this role may not write down how a run leaves the schema
      caused by: permission denied for table schema_hash
      note: nothing was changed
      hint: connect as the owner of the schema toysoldiers, or have it run `grant select, update on toysoldiers.schema_hash to` this role
    -- exit 6
    ");
    database.sql(&format!(
        "grant update on toysoldiers.schema_hash to {role}"
    ));
    runner.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value("select unfinished = '{}' from toysoldiers.schema_hash"),
        "t"
    );
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn a_column_that_moves_to_another_table_is_a_change() {
    let (database, tool) = deployed();
    database.sql("create table t1 (x int); create table t2 ()");
    verify(&tool, &database);
    tool.write(
        "database/migrations/002_two.sql",
        "create table if not exists t1 (x int); create table if not exists t2 ();",
    );
    tool.run(&["migrate", "up"]).ok();
    verify(&tool, &database).ok();
    assert_eq!(state(&tool), "as_left");
    database.sql("alter table t2 add x int; alter table t1 drop x");
    assert_eq!(state(&tool), "changed");
}
