//! Databases that are being made, and those who sit in them.

use std::sync::Arc;

use crate::support::session::Session;
use crate::support::tool::Outcome;
use crate::support::{Database, Server, Setup, Tool};

/// A server of one's own, and a role with a database whose restore waits at a gate.
fn gated() -> (Arc<Server>, Tool) {
    let server = Server::start(&Setup::new());
    let postgres = server.database("postgres");
    postgres.sql("create role app login createdb");
    postgres.sql("create database shop owner app");
    server.database("shop").sql(
        "set role app; create schema app; create table app.a as select 1 as id;
         create materialized view app.gate as select count(*) from pg_catalog.pg_shdescription",
    );
    let tool = Tool::new().on_as(&server.database("shop"), "app");
    tool.run(&["backup", "create", "--to", "b"]).ok();
    (server, tool)
}

const RESTORE: [&str; 6] = ["backup", "restore", "latest", "--from", "b", "--into"];

/// Restores into `copy` while somebody, who comes in as this role, sits in it.
fn restore(server: &Arc<Server>, tool: &Tool, role: &str) -> (Outcome, Session) {
    let postgres = server.database("postgres");
    let gate =
        postgres.session("begin; lock table pg_catalog.pg_shdescription in access exclusive mode");
    let running = tool.spawn(&[&RESTORE[..], &["copy"]].concat());
    postgres.wait_until(
        "select exists (select from pg_locks where relation = 'pg_catalog.pg_shdescription'::regclass and not granted)",
    );
    let inside = server.database("copy.partial").session_as(role, "select 1");
    gate.sql("rollback");
    (tool.outcome(running), inside)
}

fn databases(postgres: &Database) -> Vec<String> {
    postgres.sql("select datname, datallowconn, datconnlimit from pg_database where datname like 'copy%' order by 1")
}

#[test]
fn a_session_that_got_in_is_ended_and_the_database_gets_its_name() {
    let (server, tool) = gated();
    let postgres = server.database("postgres");
    let (outcome, _inside) = restore(&server, &tool, "app");
    outcome.ok();
    assert_eq!(databases(&postgres), ["copy|t|-1"]);
}

#[test]
fn a_session_that_is_not_ours_to_end_is_named() {
    let (server, tool) = gated();
    let postgres = server.database("postgres");
    // Who may become the owner gets in.
    postgres.sql("create role friend login in role app");
    let (outcome, inside) = restore(&server, &tool, "friend");
    let outcome = outcome.code(6);
    for says in [
        "cannot give copy its name",
        "in it is pid PID (tests as friend, ",
        "select pg_terminate_backend(",
    ] {
        assert!(outcome.stderr.contains(says), "{says}\n{outcome}");
    }
    let again = tool.run(&[&RESTORE[..], &["copy"]].concat()).code(6);
    assert!(
        again.stderr.contains("in it is pid PID (tests as friend, "),
        "{again}"
    );
    drop(inside);
    postgres.wait_until("select count(*) = 0 from pg_stat_activity where datname = 'copy.partial'");
    tool.run(&[&RESTORE[..], &["copy"]].concat()).ok();
    assert_eq!(databases(&postgres), ["copy|t|-1"]);
}
