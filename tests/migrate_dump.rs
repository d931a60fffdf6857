//! `migrate dump`: the same schema gives the same file, and the file gives the same schema.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::version::{major, other_programs};
use crate::support::{Database, Tool};

fn dump(database: &Database) -> String {
    let tool = Tool::new().on(database);
    tool.run(&["migrate", "dump", "--file", "-"]).ok().stdout
}

const OPEN: &str = "
--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO PUBLIC;
";

#[test]
fn writes_the_file_once_and_says_when_it_is_what_the_database_is() {
    let (database, tool) = with(&[("001_a.sql", "create table a (id int);")]);
    tool.run(&["migrate", "up"]).ok();
    // In PostgreSQL 14 anybody may create in the schema public, and that is said.
    let told = |text: String| {
        text.replace("(26 lines)", "(19 lines)")
            .replace("lines  26", "lines  19")
            .replace("\"lines\": 27", "\"lines\": 20")
            .replace(OPEN, "")
    };
    assert_snapshot!(tool.run(&["migrate", "dump", "--check", "--no-load"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    there is no database/schema.sql; `toysoldiers migrate dump` writes it
    -- exit 3
    ");
    assert_snapshot!(told(tool.run(&["migrate", "dump", "--dry-run"]).to_string()), @"
    -- stdout
    plan: write the schema
      write database/schema.sql  (19 lines)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    let path = tool.path().join("database/schema.sql");
    assert!(!path.exists());
    assert_snapshot!(told(tool.run(&["migrate", "dump"]).to_string()), @"
    -- stdout
    path  database/schema.sql
    lines  19
    changed  yes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.contains(OPEN), major() < 15, "{text}");
    assert_snapshot!(told(text), @"
    -- The schema of the database, written by `toysoldiers migrate dump`.
    -- Migrations change the database; nobody changes this file.

    SET client_encoding = 'UTF8';
    SET standard_conforming_strings = on;
    SELECT pg_catalog.set_config('search_path', '', false);
    SET check_function_bodies = false;
    SET xmloption = content;
    SET row_security = off;

    SET default_table_access_method = heap;

    --
    -- Name: a; Type: TABLE; Schema: public; Owner: -
    --

    CREATE TABLE public.a (
        id integer
    );
    ");
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    assert_snapshot!(told(tool.run(&["migrate", "dump"]).to_string()), @"
    -- stdout
    path  database/schema.sql
    lines  19
    changed  no
    -- stderr
    -> (url)  SOCKET/DB as postgres
    the file is what the database is, and was not touched
    -- exit 0
    ");
    assert_eq!(
        std::fs::metadata(&path).unwrap().modified().unwrap(),
        written
    );
    assert_snapshot!(tool.run(&["migrate", "dump", "--check", "--no-load"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    database/schema.sql is what the database is
    -- exit 0
    ");
    database.sql("alter table a add b text default 'x'");
    assert_snapshot!(tool.run(&["migrate", "dump", "--check", "--no-load"]), @"
    -- stdout
    -  id integer
    +  id integer,
    +  b text DEFAULT 'x'::text
    -- stderr
    -> (url)  SOCKET/DB as postgres
    database/schema.sql is not what the database is: - in the file, + in the database; `toysoldiers migrate dump` writes it anew
    -- exit 3
    ");
    assert_snapshot!(told(tool.run(&["migrate", "dump", "-o", "json"]).to_string()), @r#"
    -- stdout
    {
      "path": "database/schema.sql",
      "changed": true,
      "lines": 20
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    tool.run(&["migrate", "dump", "--check", "--no-load"]).ok();
    assert_eq!(tool.folder().list("database"), ["migrations", "schema.sql"]);
}

#[test]
fn the_same_schema_gives_the_same_bytes_whatever_the_order_it_was_made_in() {
    let (one, other) = (Database::empty(), Database::empty());
    let roles = "do $$ begin create role anon nologin; exception when duplicate_object or unique_violation then null; end $$;
        do $$ begin create role reader login; exception when duplicate_object or unique_violation then null; end $$;";
    let parts = [
        "create table b (id int primary key, x text);",
        "create table a (id int primary key, b int);",
        "create view v as select 1 as x;",
        "create function f() returns int language sql as $$\nSET lock_timeout = 0;\n\n\n-- Dumped from database version 1\nselect 1\n$$;",
        "create function g() returns int language sql as 'select 1';",
        "create type mood as enum ('x');",
    ];
    one.sql(&(roles.to_owned() + &parts.concat()));
    let backwards: Vec<&str> = parts.into_iter().rev().collect();
    other.sql(&backwards.concat());
    one.sql("create index on a (b); create index on b (x); grant select on a to anon; grant select on a to reader; grant update (b) on a to reader; alter default privileges grant select on tables to anon; alter default privileges grant select on tables to reader; create policy p on a using (true); create policy q on a using (false)");
    other.sql("create policy q on a using (false); create policy p on a using (true); alter default privileges grant select on tables to reader; alter default privileges grant select on tables to anon; grant update (b) on a to reader; grant select on a to reader; grant select on a to anon; create index on b (x); create index on a (b)");
    assert_eq!(dump(&one), dump(&other));
    assert!(
        dump(&one).contains("\nSET lock_timeout = 0;\n\n\n-- Dumped from database version 1\n")
    );
}

#[test]
fn the_platforms_schema_loads_as_a_migration_and_by_psql() {
    let original = Database::migrated();
    let text = dump(&original);
    let (migrated, tool) = with(&[
        ("001_all.sql", &text),
        (
            "002_more.sql",
            "create table more (id int); drop table more;",
        ),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(dump(&migrated), text);
    let loaded = Database::empty();
    let tool = Tool::new().on(&loaded);
    tool.write("schema.sql", &text);
    tool.run(&["psql", "--", "--set=ON_ERROR_STOP=1", "-f", "schema.sql"])
        .ok();
    assert_eq!(dump(&loaded), text);
}

#[test]
fn a_role_that_may_not_read_everything_is_told_what_it_takes() {
    let (database, tool) = with(&[("001_a.sql", "create table a (id int);")]);
    tool.run(&["migrate", "up"]).ok();
    database.sql("do $$ begin create role reader login; exception when duplicate_object or unique_violation then null; end $$");
    let reader = Tool::new().on_as(&database, "reader");
    let told = reader.run(&["migrate", "dump", "--file", "x.sql"]);
    // Since PostgreSQL 15 it begins with a capital.
    assert_snapshot!(told.to_string().replace("Query was", "query was"), @"
    -- stderr
    -> (url)  SOCKET/DB as reader
    error: this role may not read the whole schema
      caused by: pg_dump failed
      caused by: query failed: ERROR:  permission denied for table a
      note: query was: LOCK TABLE public.a IN ACCESS SHARE MODE
      note: nothing was written
      hint: connect as the owner of the tables, or as a role that may read all of them: pg_dump locks each
    -- exit 6
    ");
    assert!(!reader.path().join("x.sql").exists());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["migrate", "dump", "--file", "-", "--check"]), @"
    -- stderr
    error: `--check` compares with a file, and `-` is none
      hint: leave out one of them
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["migrate", "dump", "--file", "-", "-o", "json"]), @r#"
    -- stderr
    {"error":{"kind":"usage","message":"`migrate dump --file -` has one form of output","causes":[],"notes":[],"hints":[{"text":"leave out `--output`"}],"hint":"leave out `--output`","exit":2}}
    -- exit 2
    "#);
    // A folder that is not there is made.
    tool.run(&["migrate", "dump"]).ok();
    assert!(tool.path().join("database/schema.sql").exists());
    tool.write("x", "a file");
    assert_snapshot!(tool.run(&["migrate", "dump", "--file", "x/schema.sql"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot read x/schema.sql
      caused by: not a directory
      hint: name another file with `--file`
    -- exit 1
    ");
    let tool = tool.env("TOYSOLDIERS_PG_BIN", "/nonexistent");
    assert_snapshot!(tool.run(&["migrate", "dump", "--file", "x.sql"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: no pg_dump in /nonexistent, which TOYSOLDIERS_PG_BIN names
      hint: name a folder that holds PostgreSQL's programs, or unset it to have them found
    -- exit 4
    ");
    let tool = Tool::new();
    tool.run(&[
        "migrate",
        "dump",
        "--database-url",
        "postgresql://me@/x?host=/nonexistent",
    ])
    .code(5);
}

#[test]
fn what_a_platform_brings_is_left_out() {
    let server = crate::support::Server::start(&crate::support::Setup::new());
    let database = server.database("postgres");
    database.sql("create role supabase_admin; create schema auth authorization supabase_admin; create table auth.users (id int); create schema app; create table app.a (id int)");
    let text = dump(&database);
    assert!(
        text.contains("CREATE TABLE app.a") && !text.contains("auth"),
        "{text}"
    );
}

/// What works as long as the search_path is the database's own.
const RELYING: &str = "
    set check_function_bodies = off;
    create function shorten(t text) returns text language sql immutable as $$ select left(t, 4) $$;
    create function shorten(u uuid) returns text language sql immutable as $$ select shorten(u::text) $$;
    create function fixed(u uuid) returns text language sql immutable set search_path = public as $$ select shorten(u::text) $$;
    create function is_known(c text) returns boolean language sql stable as $$ select exists (select from country where code = c) $$;
    create function measured(t text) returns int language plpgsql immutable as $$ begin return length(shorten(t)); end $$;
    create table country (code text primary key);
    create table place (id uuid check (fixed(id) <> ''), code text check (is_known(code)), size text check (measured(size) > 3));
    create table link (id uuid, short text generated always as (shorten(id)) stored);
    create view links as select short from link;";
/// What the server itself makes with a search_path of its own since PostgreSQL 17, so that it cannot be.
const RELYING_BEFORE_17: &str = "
    create index place_short on place (shorten(id));
    create materialized view places as select shorten(id) as id from place;";

/// Loads the schema on the server the tests share.
fn check(tool: &Tool, database: &Database, more: &[&str]) -> Outcome {
    let server = database.server.database("postgres").url();
    let check = ["migrate", "dump", "--file", "x.sql", "--check"];
    tool.run(&[&check[..], &["--scratch-url", &server], more].concat())
}

#[test]
fn what_relies_on_the_search_path_is_no_schema_to_load() {
    let database = Database::empty();
    database.sql(RELYING);
    let count = if major() < 17 {
        database.sql(RELYING_BEFORE_17);
        5
    } else {
        let refused = database.refusal(RELYING_BEFORE_17);
        assert!(
            refused.contains("function shorten(text) does not exist"),
            "{refused}"
        );
        2
    };
    let tool = Tool::new()
        .on(&database)
        .hide(&database.value("show server_version"), "VERSION");
    tool.run(&["migrate", "dump", "--file", "x.sql"]).ok();
    if count == 5 {
        assert_snapshot!(check(&tool, &database, &[]), @r#"
        -- stdout
        OBJECT  REASON  FIX
        TABLE public.link  function shorten(text) does not exist (SQL function "shorten" during inlining); 1 more fails for want of it  qualify the names in the function, or add `set search_path` to it
        INDEX public.place_short  function shorten(text) does not exist (SQL function "shorten" during inlining)  qualify the names in the function, or add `set search_path` to it
        FUNCTION public.is_known(text), for constraint place_code_check on table public.place  relation "country" does not exist  qualify the names in the function, or add `set search_path` to it
        FUNCTION public.shorten(uuid), for rule _RETURN on materialized view public.places  function shorten(text) does not exist  qualify the names in the function, or add `set search_path` to it
        MATERIALIZED VIEW DATA public.places  function shorten(text) does not exist (SQL function "shorten" during inlining)  qualify the names in the function, or add `set search_path` to it
        -- stderr
        -> (url)  SOCKET/DB as postgres
        note: whether a function finds its names with an empty search_path shows only where there are rows: public.measured(text)
        5 objects fail in an empty database of PostgreSQL VERSION, with an empty search_path as in every restore
        x.sql is what the database is
        -- exit 3
        "#);
    } else {
        assert_snapshot!(check(&tool, &database, &[]), @r#"
        -- stdout
        OBJECT  REASON  FIX
        TABLE public.link  function shorten(text) does not exist (SQL function "shorten" during inlining); 1 more fails for want of it  qualify the names in the function, or add `set search_path` to it
        FUNCTION public.is_known(text), for constraint place_code_check on table public.place  relation "country" does not exist  qualify the names in the function, or add `set search_path` to it
        -- stderr
        -> (url)  SOCKET/DB as postgres
        note: whether a function finds its names with an empty search_path shows only where there are rows: public.measured(text)
        2 objects fail in an empty database of PostgreSQL VERSION, with an empty search_path as in every restore
        x.sql is what the database is
        -- exit 3
        "#);
    }
    let failures = &check(&tool, &database, &["-o", "json"]).json()["loaded"]["failures"];
    assert_eq!(failures.as_array().unwrap().len(), count, "{failures}");
    database.sql("alter function shorten(uuid) set search_path = public; alter function is_known set search_path = public; alter function measured set search_path = public");
    tool.run(&["migrate", "dump", "--file", "x.sql"]).ok();
    assert_snapshot!(check(&tool, &database, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    the schema can be loaded into an empty database of PostgreSQL VERSION
    x.sql is what the database is
    -- exit 0
    ");
}

#[test]
fn what_the_scratch_server_lacks_is_told_and_not_held_against_the_schema() {
    let server = crate::support::Server::start(&crate::support::Setup::new());
    let database = server.database("postgres");
    database.sql("create role supabase_admin; create role stranger; create schema auth authorization supabase_admin;
        create table auth.users (id int primary key); create function auth.uid() returns int language sql as 'select 1';
        create table a (id int references auth.users, b int default auth.uid()); create table c (id int);
        grant select on c to stranger; create policy p on c to stranger using (id = auth.uid());");
    let tool = Tool::new()
        .on(&database)
        .hide(&database.value("show server_version"), "VERSION");
    tool.run(&["migrate", "dump", "--file", "x.sql"]).ok();
    let other = Database::empty();
    assert_snapshot!(check(&tool, &other, &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    note: what names roles that the scratch server does not have was not tried: stranger
    note: what needs schemas that the platform brings was not tried: auth
    what was tried of the schema can be loaded into an empty database of PostgreSQL VERSION
    x.sql is what the database is
    -- exit 0
    ");
}

/// What pg_dump writes differently from version to version, and what it is not to write at all.
const MANIFOLD: &str = "
    create schema app;
    create table a (id int generated by default as identity primary key, b text not null, c int constraint mine not null);
    create table p (id int not null, k text not null, primary key (id, k)) partition by list (k);
    create table p1 partition of p for values in ('a');
    create table child (z int) inherits (a);
    create unlogged table u (a int[] default '{}', b int generated always as (1) stored);
    create view v as select id, (select max(x.c) from a x where x.id = a.id) from a where c in (1, 2);
    create materialized view m as select id from a;
    create function f(x int) returns int language sql begin atomic select x; end;
    create index on a (lower(b)) where c > 3;
    create statistics s on b, c from a;
    create publication q for table p, a;
    create rule r as on update to v do instead nothing;
    alter table a enable row level security;
    create policy o on a to clerk using (b = current_user);
    grant all on a, v to clerk; grant all on p to clerk with grant option; grant update (b) on a to clerk;
    grant select, insert, update, delete, truncate, references on p1 to clerk;
    grant all on schema app to clerk; grant all on sequence a_id_seq to clerk; revoke execute on function f from public;
    alter default privileges grant all on tables to clerk;
    alter default privileges in schema app grant select on sequences to clerk;
    alter default privileges revoke execute on functions from public;
    comment on table a is E'-- Dumped by pg_dump version 1\\n;';
    create foreign data wrapper w options (token 'hunter2');
    create server s foreign data wrapper w options (host 'x', password 'hunter2', url 'https://me:hunter2@x/');
    create user mapping for clerk server s options (\"user\" 'me', pin 'hunter2');
    create foreign table ft (a int options (column_name 'z')) server s options (schema_name 'x', api_key 'hunter2');";

#[test]
fn secrets_are_not_in_the_file_and_it_can_be_loaded_all_the_same() {
    let database = Database::empty();
    database.clerk();
    database.sql(MANIFOLD);
    database.sql("create subscription sub connection 'host=x password=hunter2' publication q with (connect = false, slot_name = none)");
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["-q", "migrate", "dump", "--file", "x.sql"]), @r#"
    -- stderr
    warning: a secret is not in the schema: '***' stands for token of FOREIGN DATA WRAPPER w
    warning: a secret is not in the schema: '***' stands for password, url of SERVER s
    warning: a secret is not in the schema: '***' stands for pin of USER MAPPING FOR clerk SERVER s
    warning: a secret is not in the schema: '***' stands for api_key of FOREIGN TABLE public.ft
    warning: the subscription "sub" is not in the schema: it holds the way into another server
    -- exit 0
    "#);
    let text = std::fs::read_to_string(tool.path().join("x.sql")).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("SUBSCRIPTION"),
        "{text}"
    );
    let loaded = Database::empty();
    let tool = Tool::new().on(&loaded);
    tool.write("x.sql", &text);
    tool.run(&["psql", "--", "-qv", "ON_ERROR_STOP=1", "-f", "x.sql"])
        .ok();
    assert_eq!(dump(&loaded), text);
    database.sql("drop subscription sub");
}

#[test]
#[cfg_attr(
    not(has_programs),
    ignore = "needs folders of PostgreSQL's programs of several versions in TOYSOLDIERS_TEST_PG_BINS, as a PATH"
)]
fn every_version_of_the_programs_gives_the_same_bytes() {
    let database = Database::empty();
    database.clerk();
    database.sql(MANIFOLD);
    let own = dump(&database);
    for (folder, program) in other_programs() {
        if program.major > major() {
            let tool = Tool::new().on(&database).env("TOYSOLDIERS_PG_BIN", &folder);
            let other = tool.run(&["migrate", "dump", "--file", "-"]).ok();
            assert_eq!(other.stdout, own, "{}", program.version);
        }
    }
}
