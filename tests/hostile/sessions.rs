//! Sessions of ours run nobody's code but the catalog's, whoever may create in `public`, owns `extensions`, or says where
//! sessions of the database look names up.

use super::plant::{WEB, has_fired, planted, relied_on};
use crate::support::{Database, Tool};

/// Runs a command, which may find something, and must run nothing that was planted. A trace of that stays whatever
/// becomes of the command.
fn unharmed(database: &Database, tool: &Tool, args: &[&str]) {
    let outcome = tool.run(args);
    assert!(matches!(outcome.code, Some(0 | 3)), "{args:?}\n{outcome}");
    assert!(!has_fired(database), "{args:?}\n{outcome}");
}

/// That the plant would be run by whoever does not take care.
fn assert_it_works(database: &Database) {
    for (path, sql) in [
        ("public", "select 'a'::name || 'b'::text"),
        ("public", "select 1.5 * 2::int"),
        ("extensions", "select 1.5 > 1::int"),
        ("public, pg_catalog", "select pg_backend_pid()"),
        ("extensions, pg_catalog", "select 'a'::text = 'b'::text"),
    ] {
        let refusal = database.refusal(&format!("set search_path = {path}; {sql}"));
        assert!(refusal.contains("planted code ran"), "{sql}: {refusal}");
    }
    database.sql("set search_path = pg_catalog; alter sequence public.fired restart");
    assert!(!has_fired(database));
}

#[test]
fn nothing_that_was_planted_runs_in_any_command() {
    let database = planted();
    assert_it_works(&database);
    // Whoever owns a database says where its sessions look names up first.
    database.sql(&format!(
        "set search_path = pg_catalog; alter database {} set search_path = public, extensions, pg_catalog",
        database.name
    ));
    let tool = Tool::new()
        .on(&database)
        .input("correct horse battery staple\n");
    let server = database.server.database("postgres").url();
    for args in [
        &["env", "check"][..],
        &["status"],
        &["migrate", "status"],
        &["migrate", "up", "--dry-run"],
        &["migrate", "up", "--one-transaction"],
        &["migrate", "up"],
        &["migrate", "history"],
        &["migrate", "verify", "--scratch-url", &server],
        &["migrate", "dump", "--file", "schema.sql"],
        &["policy", "status"],
        &["policy", "apply"],
        &["policy", "test"],
        &["policy", "audit"],
        &["policy", "list"],
        &["policy", "list", "--as", "fan"],
        &["policy", "list", "--as", "authenticated"],
        &["policy", "detach", "tips", "--yes"],
        &["policy", "attach", "tips", "--yes"],
        &["index", "status"],
        &["index", "apply"],
        &["index", "list"],
        &["index", "advise"],
        &["index", "rebuild", "tips_created_at_idx"],
        &["deploy", "--yes"],
        &["deploy", "--history"],
        &["status"],
        &["user", "create", "nina@example.com", "--password-stdin"],
        &["user", "list", "--email", "nina"],
        &[
            "creator",
            "create",
            "max@example.com",
            "--payout",
            "acct_1MqZ",
            "--generate",
        ],
        &["creator", "verify", "max@example.com", "--yes"],
        &["creator", "show", "max@example.com"],
        &["creator", "list"],
        &["dashboard"],
        &["dashboard", "content"],
        &["dashboard", "creators"],
        &["dashboard", "creator", "max@example.com"],
        &["backup", "create", "--to", "backups"],
        &["backup", "list", "--from", "backups"],
    ] {
        unharmed(&database, &tool, args);
    }
    assert_eq!(relied_on(&database, WEB), [""; 0]);
}

#[test]
fn files_of_a_folder_are_no_way_into_our_own_statements() {
    let database = planted();
    let tool = Tool::new().on(&database);
    // What these files name is found where people keep their things, and nothing in them fits what was planted.
    tool.write(
        "database/migrations/001_notes.sql",
        "create table notes (id bigint primary key, owner uuid, body text);
         insert into notes (id, body) values (1, 'a');
         set search_path = public, extensions;",
    );
    tool.write(
        "database/migrations/002_built.sql",
        "-- toysoldiers: no-transaction\nset search_path = extensions, public;
         create index concurrently notes_body on notes (body);
         reindex index concurrently notes_body;",
    );
    tool.write(
        "database/migrations/003_after.sql",
        "-- toysoldiers: detach-policies notes\nalter table notes alter body type varchar(100);",
    );
    tool.write(
        "database/migrations/003_after.down.sql",
        "set search_path = public, extensions; alter table notes alter body type text;",
    );
    tool.write(
        "database/policies/notes.sql",
        "alter table notes enable row level security;
         create policy own on notes for select to authenticated using (owner = current_user_id());",
    );
    tool.write(
        "database/policies/functions.sql",
        "revoke all on function current_user_id() from public;",
    );
    tool.write(
        "database/indexes/notes.sql",
        "create index notes_owner on notes (owner);\ncreate index notes_body on notes (body);",
    );
    database.sql(
        "set search_path = pg_catalog;
         do $$ begin create role authenticated; exception when duplicate_object or unique_violation then null; end $$;
         create function public.current_user_id() returns uuid language sql stable set search_path = pg_catalog, pg_temp as 'select null::uuid'",
    );
    let server = database.server.database("postgres").url();
    for args in [
        &["migrate", "up"][..],
        &["migrate", "verify", "--scratch-url", &server],
        &["migrate", "down", "--confirm", &database.name],
        &["migrate", "up"],
        &["policy", "status"],
        &["policy", "apply"],
        &["policy", "status"],
        &["index", "apply"],
        &["index", "status"],
        &["status"],
    ] {
        unharmed(&database, &tool, args);
    }
    assert_eq!(relied_on(&database, WEB), [""; 0]);
    assert_eq!(
        database.sql("set search_path = pg_catalog; select relname from pg_class where relname like 'notes%' and relkind = 'i' order by 1"),
        ["notes_body", "notes_owner", "notes_pkey"]
    );
}

/// A database that a version before this one has made, where somebody had planted an operator.
#[test]
fn what_an_older_version_baked_in_is_made_anew() {
    let database = Database::migrated();
    let web = format!("{}_web", database.name);
    // As it was: bookkeeping of the version before, and expressions that mean what was planted.
    database.sql(&format!(
        "create role {web}; grant create on schema public to {web}; set role {web};
         create function public.times(numeric, int) returns numeric language plpgsql as 'begin raise exception ''planted code ran''; end';
         create operator public.* (leftarg = numeric, rightarg = int, function = public.times);
         create function public.same(text, text) returns bool language plpgsql as 'begin raise exception ''planted code ran''; end';
         create operator public.= (leftarg = text, rightarg = text, function = public.same);
         reset role; set search_path = public, pg_catalog;
         drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         update toysoldiers.installation set version = 5;
         alter table toysoldiers.history alter duration_ms
             set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint;
         alter table toysoldiers.runs alter duration_ms
             set default (extract(epoch from clock_timestamp() - statement_timestamp()) * 1000)::bigint,
             drop constraint runs_action_check,
             add constraint runs_action_check check (action in ('up', 'down', 'baseline', 'repair')) not valid"
    ));
    assert_eq!(
        relied_on(&database, &web).len(),
        3,
        "{:?}",
        relied_on(&database, &web)
    );
    let tool = Tool::new().on(&database);
    let audit = ["policy", "audit", "--check", "untrusted-code"];
    tool.run(&audit).code(3);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(relied_on(&database, &web), [""; 0]);
    tool.run(&audit).ok();
    // The same, word for word, as in a database that is new.
    let fresh = Database::migrated();
    let defined = "select conrelid::regclass, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'toysoldiers'::regnamespace order by 1, 2;
        select adrelid::regclass, adnum, pg_get_expr(adbin, adrelid) from pg_attrdef
        where adrelid::regclass::text like 'toysoldiers.%' order by 1, 2";
    let defined = format!("set search_path = pg_catalog; {defined}");
    assert_eq!(database.sql(&defined), fresh.sql(&defined));
}

/// What was baked into a table of the platform is the people's to mend: it is named.
#[test]
fn what_an_older_version_baked_into_the_platform_is_named() {
    let database = Database::migrated();
    let web = format!("{}_web", database.name);
    database.sql(&format!(
        "create role {web}; grant create on schema public to {web}; set role {web};
         create function public.more(numeric, int) returns bool language sql immutable as 'select true';
         create operator public.> (leftarg = numeric, rightarg = int, function = public.more);
         reset role; set search_path = public, extensions, pg_temp;
         alter table public.tips drop constraint tips_amount_check,
             add constraint tips_amount_check check (amount > 0 and amount < 'Infinity')"
    ));
    let tool = Tool::new().on(&database);
    let outcome = tool
        .run(&["policy", "audit", "--check", "untrusted-code", "-o", "json"])
        .code(3);
    let json = outcome.json();
    let objects: Vec<&str> = json
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["object"].as_str())
        .collect();
    assert_eq!(objects, ["constraint tips_amount_check on public.tips"]);
}

/// A trigger that waits for the end of the transaction looks names up where its file does, and not where we do.
#[test]
fn what_a_file_puts_off_runs_as_if_it_were_alone() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    let trigger = "create table seen (id int);
        create table t (id int);
        create function note() returns trigger language plpgsql as 'begin insert into seen values (new.id); return null; end';
        create constraint trigger late after insert on t deferrable initially deferred for each row execute function note();
        insert into t values (1);";
    tool.write("database/migrations/001_in_one.sql", trigger);
    tool.write(
        "database/migrations/002_in_steps.sql",
        "-- toysoldiers: no-transaction\ninsert into t values (2);",
    );
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.sql("select id from seen order by 1"), ["1", "2"]);
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server])
        .ok();
}
