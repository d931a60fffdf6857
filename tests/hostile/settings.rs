//! Settings of a role, a database, an address or the caller's environment: none of them changes what a command says
//! or does.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::{Bouncer, Database, Tool};

/// Everything whose text PostgreSQL makes anew each time, by the settings of whoever asks.
const OFFERS: &str = r"
create table offers (
  id bigint primary key,
  ends timestamptz not null default '2030-06-01 12:00:00+00',
  starts timestamptz not null default '2030-01-02 03:04',
  day date default '02/03/2030',
  lasts interval default '1 day 2 hours',
  mark bytea default '\x00ff41',
  rate double precision default 0.1::double precision / 3,
  price money default '12.50',
  path text default 'a\b' check (path <> 'c\\d')
);
create index on offers (id) where starts > '2029-12-31 23:00:00+00';
create view current_offers as select id, lasts > interval '36 hours' as long from offers where ends > '2030-01-01';
insert into offers (id) values (1);
";

/// What may be set against us, for a database, each with the worst that comes to mind.
const WORST: &[(&str, &str)] = &[
    ("timezone", "'Asia/Tokyo'"),
    ("timezone_abbreviations", "'Australia'"),
    ("datestyle", "'SQL, DMY'"),
    ("intervalstyle", "'sql_standard'"),
    ("bytea_output", "'escape'"),
    ("extra_float_digits", "-15"),
    ("quote_all_identifiers", "on"),
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "off"),
    ("array_nulls", "off"),
    ("transform_null_equals", "on"),
    ("xmloption", "'document'"),
    ("client_encoding", "'LATIN1'"),
    ("check_function_bodies", "off"),
    ("session_replication_role", "'replica'"),
    ("default_transaction_isolation", "'serializable'"),
    ("gin_fuzzy_search_limit", "1"),
    ("exit_on_error", "on"),
    ("client_min_messages", "'error'"),
    ("row_security", "on"),
    ("idle_session_timeout", "'1s'"),
    ("idle_in_transaction_session_timeout", "'1s'"),
];

fn worsen(database: &Database) {
    for (name, value) in WORST {
        let name_of = &database.name;
        database.sql(&format!("alter database {name_of} set {name} = {value}"));
    }
}

/// The same in the caller's environment, as far as there are variables for it.
fn abroad(tool: Tool) -> Tool {
    tool.env("PGTZ", "Asia/Tokyo")
        .env("PGDATESTYLE", "German")
        .env("PGCLIENTENCODING", "LATIN1")
        .env(
            "PGOPTIONS",
            "-c bytea_output=escape -c quote_all_identifiers=on",
        )
}

fn verify(tool: &Tool, database: &Database) -> Outcome {
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server])
}

#[test]
fn no_setting_of_the_caller_or_the_database_changes_a_dump_or_makes_drift() {
    let (database, tool) = with(&[("001_offers.sql", OFFERS)]);
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["migrate", "dump"]).ok();
    let tool = abroad(tool);
    tool.run(&["migrate", "dump", "--check"]).ok();
    verify(&tool, &database).ok();
    worsen(&database);
    tool.run(&["migrate", "dump", "--check"]).ok();
    verify(&tool, &database).ok();
    // What is applied now is read as it was before.
    tool.write(
        "database/migrations/002_more.sql",
        "alter table offers add later timestamptz default '2031-02-03 04:05', add at date default '04/05/2031';
         insert into offers (id, path) values (2, 'e\\f');",
    );
    tool.run(&["migrate", "up"]).ok();
    verify(&tool, &database).ok();
    assert_eq!(
        database.value("set timezone = 'UTC'; set datestyle = 'ISO'; select starts || ' ' || later || ' ' || at from offers where id = 2"),
        "2030-01-02 03:04:00+00 2031-02-03 04:05:00+00 2031-04-05"
    );
    assert_eq!(
        database.value("select count(*) from offers where path = E'e\\\\f'"),
        "1"
    );
}

#[test]
fn a_migration_cannot_take_the_settings_from_those_after_it() {
    let (database, tool) = with(&[
        (
            "001_leaves.sql",
            "set timezone = 'Asia/Tokyo'; set datestyle = 'SQL, DMY'; set client_min_messages = error;
             set search_path = pg_catalog; create table public.a (id int);",
        ),
        (
            "002_reads.sql",
            "create table b (at timestamptz default '2030-01-02 03:04', day date default '02/03/2030');
             insert into b default values;",
        ),
    ]);
    worsen(&database);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database
            .value("set timezone = 'UTC'; set datestyle = 'ISO'; select at || ' ' || day from b"),
        "2030-01-02 03:04:00+00 2030-02-03"
    );
    verify(&tool, &database).ok();
}

#[test]
fn a_backup_is_the_same_whatever_is_set_and_comes_back_as_it_was() {
    let (database, tool) = with(&[("001_offers.sql", OFFERS)]);
    tool.run(&["migrate", "up"]).ok();
    worsen(&database);
    let tool = abroad(tool);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let name = tool
        .folder()
        .list("b")
        .into_iter()
        .find_map(|file| file.strip_suffix(".dump").map(str::to_owned))
        .unwrap();
    let copy = format!("{}_copy", database.name);
    tool.run(&[
        "backup", "restore", &name, "--from", "b", "--into", &copy, "--yes",
    ])
    .ok();
    let question = "set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; set intervalstyle = 'postgres';
        set lc_monetary = 'C'; set extra_float_digits = 1; select o::text from offers o";
    let there = database.server.database(&copy);
    assert_eq!(there.sql(question), database.sql(question));
    there
        .server
        .database("postgres")
        .sql(&format!("drop database {copy}"));
}

#[test]
fn policies_and_indexes_are_as_declared_whatever_is_set() {
    let database = Database::secured();
    let tool = Tool::new().on(&database);
    tool.run(&["index", "apply", "--yes"]).ok();
    let before = |args: &[&str]| tool.run(args).ok().stdout;
    let policies = before(&["policy", "status", "-o", "json"]);
    let indexes = before(&["index", "status", "-o", "json"]);
    worsen(&database);
    assert_eq!(before(&["policy", "status", "-o", "json"]), policies);
    assert_eq!(before(&["index", "status", "-o", "json"]), indexes);
}

#[test]
fn every_pinned_value_is_spelled_as_the_server_shows_it() {
    let database = Database::empty();
    for (name, value) in toysoldiers::pg::session::PINNED {
        let shown = database.value(&format!("select set_config('{name}', '{value}', false)"));
        assert_eq!(shown, *value, "{name}");
    }
}

#[test]
fn a_setting_that_the_role_may_not_change_is_named_with_both_values() {
    let database = Database::migrated();
    database.sql(
        "do $$ begin create role follower login; exception when duplicate_object or unique_violation then null; end $$;
         alter role follower set session_replication_role = replica",
    );
    let tool = Tool::new().on_as(&database, "follower");
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stderr
    -> (url)  SOCKET/DB as follower
    error: this role may not set session_replication_role to origin
      caused by: permission denied to set parameter \"session_replication_role\"
      note: its sessions begin with replica, which is set for the role, the database or the server
      note: nothing was done
      hint: have somebody who may run `alter role ... reset session_replication_role` or `alter database ... reset session_replication_role`
    -- exit 6
    ");
}

/// The address, with settings in it.
fn with_options(url: &str, options: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    let escaped = options.replace(' ', "%20").replace('=', "%3D");
    format!("{url}{mark}options={escaped}")
}

#[test]
fn the_search_path_of_an_address_is_where_up_verify_and_baseline_look() {
    let (database, tool) = with(&[("001_t.sql", "create table t (id int);")]);
    database.sql("create schema app");
    let tool = tool.at(&with_options(&database.url(), "-csearch_path=app"));
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value("select to_regclass('app.t') is not null"),
        "t"
    );
    assert_eq!(
        database.value("select to_regclass('public.t') is null"),
        "t"
    );
    // The schema is the environment's own affair: the scratch database has to have it as well.
    tool.write(
        "database/migrations/001_t.sql",
        "create schema if not exists app; create table t (id int);",
    );
    let (database, tool) = {
        let other = Database::empty();
        let tool = tool.at(&with_options(&other.url(), "-csearch_path=app"));
        (other, tool)
    };
    tool.run(&["migrate", "up"]).ok();
    verify(&tool, &database).ok();
    database.sql("drop schema toysoldiers cascade");
    let scratch = database.server.database("postgres").url();
    let compared = tool.run(&["migrate", "baseline", "--scratch-url", &scratch, "--yes"]);
    let compared = compared.ok();
    assert!(!compared.stdout.contains("app.t"), "{}", compared.stdout);
}

#[test]
fn settings_of_an_address_hold_through_a_pooler_that_drops_them() {
    let (database, tool) = with(&[(
        "001_t.sql",
        "create table t (id int); insert into t select current_setting('app.size')::int;",
    )]);
    database.sql("create schema app");
    let bouncer = Bouncer::start(
        &database,
        &[
            "pool_mode = session",
            "ignore_startup_parameters = extra_float_digits,options",
        ],
    );
    let tool = tool.at(&with_options(
        &bouncer.url(),
        "-csearch_path=app -c app.size=7",
    ));
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select id from app.t"), "7");
    tool.run(&["migrate", "dump"]).code(6);
}

#[test]
fn a_pooler_that_refuses_options_does_not_matter() {
    let (database, tool) = with(&[("001_offers.sql", OFFERS)]);
    database.sql("create schema app");
    let bouncer = Bouncer::session(&database);
    let tool = tool.at(&with_options(&bouncer.url(), "-csearch_path=app"));
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select count(*) from app.offers"), "1");
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let direct = Tool::new().on(&database);
    let dump = |tool: &Tool| tool.run(&["migrate", "dump", "--file", "-"]).ok().stdout;
    assert_eq!(dump(&tool), dump(&direct));
    // A program cannot be given there what a session would not have by itself.
    let database_name = &database.name;
    database.sql(&format!(
        "alter database {database_name} set bytea_output = 'escape'"
    ));
    let fresh = Bouncer::session(&database);
    let refused = tool
        .at(&fresh.url())
        .run(&["backup", "create", "--to", "b"])
        .code(6);
    assert!(
        refused
            .stderr
            .contains("bytea_output has to be hex, and is escape"),
        "{}",
        refused.stderr
    );
}

#[test]
fn through_a_pooler_in_transaction_mode_every_question_has_its_settings() {
    let database = Database::seeded();
    worsen(&database);
    let bouncer = Bouncer::transaction(&database);
    let list = |tool: Tool| tool.run(&["user", "list", "-o", "json"]).ok().stdout;
    assert_eq!(
        list(Tool::new().at(&with_options(&bouncer.url(), "-c work_mem=8MB"))),
        list(Tool::new().on(&database))
    );
}

#[test]
fn a_setting_the_server_does_not_take_is_an_error_of_the_address() {
    let database = Database::migrated();
    for (options, says) in [
        ("-c nonsense=1", "nonsense = 1"),
        ("-c work_mem=lots", "work_mem = lots"),
        ("-c max_connections=5", "max_connections = 5"),
    ] {
        let tool = Tool::new().at(&with_options(&database.url(), options));
        let refused = tool.run(&["migrate", "status"]).code(4);
        let message = format!("the address asks for {says}, which the server refuses");
        assert!(refused.stderr.contains(&message), "{}", refused.stderr);
    }
    let tool = Tool::new().at(&with_options(&database.url(), "-c work_mem"));
    tool.run(&["migrate", "status"]).code(4);
}

#[test]
fn a_setting_that_is_ours_is_for_psql_alone_and_said_so() {
    let database = Database::migrated();
    let tool = Tool::new().at(&with_options(
        &database.url(),
        "-c timezone=Asia/Tokyo -c statement_timeout=7s",
    ));
    let told = tool.run(&["migrate", "status"]).ok();
    assert!(
        told.stderr.contains(
            "timezone = Asia/Tokyo in the address is for `psql` alone; every other command has UTC"
        ),
        "{}",
        told.stderr
    );
    let shown = tool
        .run(&[
            "psql",
            "--",
            "-XAtc",
            "show timezone",
            "-c",
            "show statement_timeout",
        ])
        .ok();
    assert_eq!(shown.stdout, "Asia/Tokyo\n7s\n");
    let bouncer = Bouncer::session(&database);
    let tool = Tool::new().at(&with_options(
        &bouncer.url(),
        "-c search_path=a,\\ b -c timezone=Asia/Tokyo",
    ));
    let shown = tool
        .run(&[
            "psql",
            "--write",
            "--",
            "-Atc",
            "show timezone",
            "-c",
            "select current_schemas(false)",
            "-c",
            "show search_path",
        ])
        .ok();
    assert_eq!(shown.stdout, "Asia/Tokyo\n{}\na, b\n");
}

/// What kind of transaction a row was written in.
const KIND: &str = "insert into kinds select current_setting('transaction_isolation') || ' ' || current_setting('transaction_deferrable');";

#[test]
fn a_migration_chooses_what_kind_of_transaction_it_is() {
    let kinds = [
        (
            "set transaction isolation level repeatable read;\n",
            "",
            "repeatable read off",
        ),
        (
            "lock table kinds;\nset local transaction_isolation = 'serializable';\n",
            "",
            "serializable off",
        ),
        (
            "SET TRANSACTION DEFERRABLE;\nset transaction isolation level serializable;\n",
            "",
            "serializable on",
        ),
        (
            "-- why\nbegin isolation level serializable, deferrable;\n",
            "\ncommit;",
            "serializable on",
        ),
        (
            "start transaction isolation level\n repeatable read;\n",
            "\nend;",
            "repeatable read off",
        ),
        ("set constraints all deferred;\n", "", "read committed off"),
        ("", "", "read committed off"),
    ];
    let (database, tool) = with(&[("001_kinds.sql", "create table kinds (kind text);")]);
    for (number, (before, after, _)) in kinds.iter().enumerate() {
        tool.write(
            &format!("database/migrations/{:03}_kind.sql", number + 2),
            format!("{before}{KIND}{after}"),
        );
    }
    tool.run(&["migrate", "check"]).ok();
    tool.run(&["migrate", "up"]).ok();
    let expected: Vec<&str> = kinds.iter().map(|(.., kind)| *kind).collect();
    assert_eq!(database.sql("select kind from kinds"), expected);
    verify(&tool, &database).ok();
    assert_eq!(
        database.value("select count(*) from toysoldiers.runs where outcome = 'done'"),
        "8"
    );
}

#[test]
fn a_kind_of_transaction_that_cannot_be_had_is_refused_with_what_to_do() {
    let (database, tool) = with(&[("001_kinds.sql", "create table kinds (kind text);")]);
    tool.run(&["migrate", "up"]).ok();
    let attempt = |text: &str, more: &[&str]| {
        tool.write("database/migrations/002_kind.sql", text);
        tool.run(&[&["migrate", "up"], more].concat())
    };
    assert_snapshot!(attempt("select 1;\nset transaction isolation level serializable;", &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_kind.sql failed
      caused by: SET TRANSACTION ISOLATION LEVEL must be called before any query
      --> database/migrations/002_kind.sql:2:1
         |
       2 | set transaction isolation level serializable;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing of 002_kind was kept; 001_kinds is the last applied migration
      hint: make it the first statement of the file, and run `toysoldiers migrate up` again
    -- exit 1
    ");
    assert_snapshot!(attempt("begin isolation level serializable;\nselect 1;", &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_kind.sql cannot be applied
      caused by: BEGIN does not belong in a migration: each one is a transaction of its own
      --> database/migrations/002_kind.sql:1:1
         |
       1 | begin isolation level serializable;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: to choose the kind of transaction, such as its isolation level, begin the file with `set transaction ...;`, or put `begin ...;` and `commit;` around all of it
    -- exit 1
    ");
    assert_snapshot!(attempt("begin read only;\nselect 1;\ncommit;", &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_kind.sql cannot be applied
      caused by: a transaction that is read-only cannot be remembered in the history
      --> database/migrations/002_kind.sql:1:1
         |
       1 | begin read only;
         | ^^^^^^^^^^^^^^^
      note: nothing was run
      hint: leave out READ ONLY
    -- exit 1
    ");
    assert_snapshot!(attempt("-- toysoldiers: detach-policies kinds\nset transaction isolation level serializable;", &[]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_kind.sql cannot be applied
      caused by: SET TRANSACTION comes too late behind detach-policies
      --> database/migrations/002_kind.sql:2:1
         |
       2 | set transaction isolation level serializable;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: put `begin ...;`, with what SET TRANSACTION says, and `commit;` around the whole file
    -- exit 1
    ");
    tool.write("database/migrations/003_more.sql", "select 1;");
    assert_snapshot!(attempt("set transaction isolation level serializable;", &["--one-transaction"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002_kind.sql says what kind of transaction it is, and cannot share one
      note: nothing was changed
      hint: leave out `--one-transaction`
    -- exit 6
    ");
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "1"
    );
}
