//! `env check`.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::guard::{configured, first_version, said};
use crate::support::version::{major, other_programs};
use crate::support::{Bouncer, Database, Folder, Replica, Server, Setup, Tool};

const CHECK: [&str; 4] = ["--env", "shop", "env", "check"];

/// One line of what is found, and the exit code.
fn line(tool: &Tool, check: &str) -> (serde_json::Value, Option<i32>) {
    let outcome = tool.run(&[&CHECK[..], &["-o", "json"]].concat());
    let checked = outcome.json();
    let lines = checked["checks"].as_array().unwrap();
    let line = lines.iter().find(|line| line["check"] == check);
    (line.unwrap().clone(), outcome.code)
}

/// The same as a word and its advice.
fn verdict(tool: &Tool, check: &str) -> String {
    let (line, code) = line(tool, check);
    format!(
        "{}: {}\n{}\nexit {}",
        line["state"].as_str().unwrap(),
        line["found"].as_str().unwrap(),
        line["advice"].as_str().unwrap_or("-"),
        code.unwrap()
    )
}

#[test]
fn all_is_well() {
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "protected = true")]);
    tool.run(&["--env", "shop", "env", "pin", "--yes"]).ok();
    assert_snapshot!(said(&tool, &database, &CHECK), @"
    -- stdout
    CHECK  STATE  FOUND
    server  fine  SOCKET/DB as postgres
    round_trip  fine DURATION
    version  fine  VERSION
    tls  fine  none; nothing leaves this machine
    pooler  fine  none
    takes_writes  fine  yes
    clock_skew  fine  the server's differs from ours by DURATION
    statement_timeout  fine  5m; the role's own is no limit
    role  fine  postgres: superuser
    sees_all_rows  fine  yes
    public_is_closed  fine  yes
    can_migrate  fine  yes
    can_back_up  fine  yes
    bookkeeping  fine  version 7
    stamp  fine  shop
    fingerprint  fine  FINGERPRINT, as pinned
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    nothing is wrong
    -- exit 0
    ");
}

#[test]
fn what_is_wrong_says_what_to_do() {
    let database = Database::migrated();
    database.sql("update toysoldiers.installation set environment = 'production'");
    let tool = configured(&[("shop", &database, "fingerprint = \"7710944152318583818\"")]);
    assert_snapshot!(said(&tool, &database, &CHECK), @"
    -- stdout
    CHECK  STATE  FOUND
    server  fine  SOCKET/DB as postgres
    round_trip  fine DURATION
    version  fine  VERSION
    tls  fine  none; nothing leaves this machine
    pooler  fine  none
    takes_writes  fine  yes
    clock_skew  fine  the server's differs from ours by DURATION
    statement_timeout  fine  5m; the role's own is no limit
    role  fine  postgres: superuser
    sees_all_rows  fine  yes
    public_is_closed  fine  yes
    can_migrate  fine  yes
    can_back_up  fine  yes
    bookkeeping  fine  version 7
    stamp  wrong  production, not shop
    fingerprint  wrong  FINGERPRINT, and not 7710944152318583818, to which shop is pinned
    -- stderr
    -> shop  SOCKET/DB as postgres
    2 things are wrong
      wrong stamp: check the url of shop; if the database is to be its from now on, stamp it: `toysoldiers --env shop env pin`
      wrong fingerprint: check the url of shop; if the server was replaced on purpose, pin the new one: `toysoldiers --env shop env pin`
    -- exit 3
    ");
}

#[test]
fn an_empty_database_is_no_reason_to_stop() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "protected = true")]);
    // As PostgreSQL 14 makes every database.
    database.sql("grant create on schema public to public; alter schema public owner to postgres");
    assert_snapshot!(verdict(&tool, "public_is_closed"), @"
    note: no: everybody may create in the schema public
    as postgres, who owns it, or a superuser, run `revoke create on schema public from public`
    exit 0
    ");
    database.sql("revoke create on schema public from public");
    assert_snapshot!(said(&tool, &database, &CHECK), @"
    -- stdout
    CHECK  STATE  FOUND
    server  fine  SOCKET/DB as postgres
    round_trip  fine DURATION
    version  fine  VERSION
    tls  fine  none; nothing leaves this machine
    pooler  fine  none
    takes_writes  fine  yes
    clock_skew  fine  the server's differs from ours by DURATION
    statement_timeout  fine  5m; the role's own is no limit
    role  fine  postgres: superuser
    sees_all_rows  fine  yes
    public_is_closed  fine  yes
    can_migrate  fine  yes
    can_back_up  fine  yes
    bookkeeping  note  none: the database was never migrated
    stamp  note  none
    fingerprint  note  FINGERPRINT, not pinned
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    nothing is wrong
      note bookkeeping: run `toysoldiers --env shop migrate up`
      note stamp: run `toysoldiers --env shop migrate up`, which stamps it
      note fingerprint: pin it, so that no other server passes for it: `toysoldiers --env shop env pin`
    -- exit 0
    ");
}

#[test]
fn a_database_that_others_made_is_taken_over_and_not_made_anew() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    // What belongs to an extension is nobody's platform.
    database.sql("create table map (id int); alter extension plpgsql add table map");
    assert_snapshot!(verdict(&tool, "bookkeeping"), @"
    note: none: the database was never migrated
    run `toysoldiers --env shop migrate up`
    exit 0
    ");
    database.sql("create table people (id int)");
    assert_snapshot!(verdict(&tool, "bookkeeping"), @"
    note: none: the database was never migrated, and has tables
    if they are what migrations make, take it over: `toysoldiers --env shop migrate baseline`; `toysoldiers --env shop migrate up` would make everything anew
    exit 0
    ");
    assert_snapshot!(verdict(&tool, "stamp"), @"
    note: none
    `toysoldiers --env shop migrate baseline` stamps it
    exit 0
    ");
}

#[test]
fn keys_are_an_interface() {
    let database = Database::migrated();
    first_version(&database);
    let tool = configured(&[("shop", &database, "")]);
    let checked = tool
        .run(&[&CHECK[..], &["-o", "json"]].concat())
        .ok()
        .json();
    let keys: Vec<&String> = checked.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["environment", "wrong", "checks"]);
    let lines = checked["checks"].as_array().unwrap();
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["check", "state", "value", "found", "advice"]);
    let checks: Vec<&str> = lines
        .iter()
        .map(|line| line["check"].as_str().unwrap())
        .collect();
    assert_snapshot!(checks.join("\n"), @"
    server
    round_trip
    version
    tls
    pooler
    takes_writes
    clock_skew
    statement_timeout
    role
    sees_all_rows
    public_is_closed
    can_migrate
    can_back_up
    bookkeeping
    stamp
    fingerprint
    ");
    let value = |check: &str| {
        let line = lines.iter().find(|line| line["check"] == check);
        line.unwrap()["value"].clone()
    };
    assert!(value("round_trip").as_f64().unwrap() < 10_000.0);
    assert!(value("clock_skew").as_i64().unwrap().abs() < 1_000);
    assert_eq!(value("statement_timeout"), 300_000);
    assert_eq!(value("bookkeeping"), 1);
    assert_eq!(value("can_migrate"), true);
    assert!(value("tls").is_null() && value("stamp").is_null());
    let header = tool.run(&[&CHECK[..], &["-o", "csv"]].concat()).ok().stdout;
    assert!(header.starts_with("check,state,found,advice\n"), "{header}");
}

#[test]
fn a_role_is_told_what_it_is_not_enough_for() {
    // Of its own, since roles are the server's.
    let server = Server::start(&Setup::new());
    let database = Database::on(&server);
    database.migrate();
    database.sql("create role visitor login; create role reader login; grant pg_read_all_data to reader; alter role reader set statement_timeout = '8s'");
    let tool = configured(&[]).hiding(&database);
    let be = |user: &str| {
        tool.write(
            "toysoldiers.toml",
            format!("[env.shop]\nurl = \"{}\"\n", database.url_as(user)),
        );
    };
    be("visitor");
    assert_snapshot!(said(&tool, &database, &CHECK), @"
    -- stdout
    CHECK  STATE  FOUND
    server  fine  SOCKET/DB as visitor
    round_trip  fine DURATION
    version  fine  VERSION
    tls  fine  none; nothing leaves this machine
    pooler  fine  none
    takes_writes  fine  yes
    clock_skew  fine  the server's differs from ours by DURATION
    statement_timeout  fine  5m; the role's own is no limit
    role  fine  visitor: an ordinary role
    sees_all_rows  wrong  no: policies hide rows of 6 relations, public.analytics_views for one
    public_is_closed  fine  yes
    can_migrate  note  no: it has no CREATE on the schema public, it does not own 14 relations, public.analytics_views for one
    can_back_up  note  no: it may not read 19 relations, public.analytics_views for one
    bookkeeping  note  not to be read by this role
    stamp  note  not to be read by this role
    fingerprint  fine  FINGERPRINT, not pinned
    -- stderr
    -> shop  SOCKET/DB as visitor
    1 thing is wrong
      wrong sees_all_rows: connect as the owner of the tables or a role with BYPASSRLS: others get errors instead of rows
      note can_migrate: migrate as the owner of the tables
      note can_back_up: back up as the owner of the tables, or grant this role pg_read_all_data and BYPASSRLS
      note bookkeeping: connect as the role that migrates: others neither see the stamp nor record changes
      note stamp: connect as a role that may read it
    -- exit 3
    ");
    be("reader");
    assert_snapshot!(verdict(&tool, "can_back_up"), @"
    note: no: policies hide rows of 6 relations, public.analytics_views for one
    back up as the owner of the tables, or grant this role pg_read_all_data and BYPASSRLS
    exit 3
    ");
    assert_snapshot!(verdict(&tool, "statement_timeout"), @"
    fine: 5m; the role's own is 8s
    -
    exit 3
    ");
    database.sql("alter role reader bypassrls");
    assert_snapshot!(verdict(&tool, "can_back_up"), @"
    fine: yes
    -
    exit 0
    ");
}

#[test]
fn a_pooler_in_transaction_mode_is_told_and_looked_through() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = configured(&[]);
    tool.write(
        "toysoldiers.toml",
        format!("[env.shop]\nurl = \"{}\"\n", bouncer.url()),
    );
    assert_snapshot!(verdict(&tool, "pooler"), @"
    note: one in transaction mode: no migrations, backups or restores through it
    connect to the server itself, or to a pool in session mode
    exit 0
    ");
    assert_snapshot!(verdict(&tool, "statement_timeout"), @"
    fine: 5m; the role's own is no limit
    -
    exit 0
    ");
    let bouncer = Bouncer::session(&database);
    tool.write(
        "toysoldiers.toml",
        format!("[env.shop]\nurl = \"{}\"\n", bouncer.url()),
    );
    assert_snapshot!(verdict(&tool, "pooler"), @"
    fine: one that keeps sessions
    -
    exit 0
    ");
}

#[test]
fn a_replica_in_the_place_of_the_primary_is_wrong() {
    let replica = Replica::new();
    let database = Database::on(replica.primary());
    let copy = replica.database(&database);
    let tool = configured(&[("shop", &copy, "")]);
    assert_snapshot!(verdict(&tool, "takes_writes"), @"
    wrong: no: the server is a replica
    name the primary in the url of shop; a replica has a table of its own, `[env.shop.replica]`
    exit 3
    ");
}

#[test]
fn bookkeeping_of_a_newer_program_is_wrong() {
    let database = Database::migrated();
    database.sql("update toysoldiers.installation set version = 99");
    let tool = configured(&[("shop", &database, "")]);
    assert_snapshot!(verdict(&tool, "bookkeeping"), @"
    wrong: version 99
    update toysoldiers: this one knows version 7
    exit 3
    ");
}

#[test]
fn a_backup_needs_a_program_that_is_no_older_than_the_server() {
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "")]);
    let folder = Folder::new();
    let tool = tool.env("TOYSOLDIERS_PG_BIN", folder.path().to_str().unwrap());
    let missing = verdict(&tool, "can_back_up").replace(folder.path().to_str().unwrap(), "FOLDER");
    assert_snapshot!(missing, @"
    note: no: no pg_dump in FOLDER, which TOYSOLDIERS_PG_BIN names
    name a folder that holds PostgreSQL's programs, or unset it to have them found
    exit 0
    ");
    let old = folder.write("pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (line, _) = line(&tool, "can_back_up");
    assert_eq!(line["state"], "note");
    assert_eq!(
        line["found"],
        format!(
            "no: pg_dump 9.6.24 is older than the server, which is {}",
            major()
        )
    );
    let advice = line["advice"].as_str().unwrap();
    assert!(
        advice.starts_with("install") && advice.contains(&major().to_string()),
        "{advice}"
    );
}

#[test]
#[cfg_attr(
    not(has_programs),
    ignore = "needs folders of PostgreSQL's programs of several versions in TOYSOLDIERS_TEST_PG_BINS, as a PATH"
)]
fn programs_of_another_version_can_back_up_unless_they_are_older() {
    let database = Database::migrated();
    for (folder, program) in other_programs() {
        let tool = configured(&[("shop", &database, "")]).env("TOYSOLDIERS_PG_BIN", &folder);
        let (line, code) = line(&tool, "can_back_up");
        let (state, found) = if program.major < major() {
            let (ours, theirs) = (program.version, major());
            let found = format!("no: pg_dump {ours} is older than the server, which is {theirs}");
            ("note", found)
        } else {
            ("fine", "yes".to_owned())
        };
        assert_eq!(line["state"], state);
        assert_eq!(line["found"], found);
        assert_eq!(code, Some(0));
    }
}
