//! Through a pooler: what it does is found out by asking, what needs a session is refused where there is none, and
//! what does not works, whoever was there before.

use insta::assert_snapshot;

use crate::support::{Bouncer, Database, Tool};

/// A tool on a pooler, with what differs from run to run hidden.
fn tool(bouncer: &Bouncer, database: &Database) -> Tool {
    let port = bouncer.port().to_string();
    Tool::new()
        .hiding(database)
        .env("DATABASE_URL", &bouncer.url())
        .hide(&port, "PORT")
        .hide(&bouncer.socket.display().to_string(), "POOL")
}

#[test]
fn a_pooler_in_transaction_mode_answers_questions_and_takes_changes_of_one_statement() {
    let database = Database::indexed();
    let bouncer = Bouncer::transaction(&database);
    let tool = tool(&bouncer, &database);
    let direct = Tool::new().on(&database);
    for args in [
        &["user", "list", "-o", "json"][..],
        &["creator", "list", "-o", "json"],
        &["dashboard", "creators", "-o", "json"],
        &["dashboard", "content", "-o", "json"],
        &["migrate", "status", "-o", "json"],
    ] {
        assert_eq!(
            tool.run(args).ok().json(),
            direct.run(args).ok().json(),
            "{args:?}"
        );
    }
    tool.run(&["dashboard"]).ok();
    tool.run(&["user", "create", "pool@example.com", "--generate"])
        .ok();
    tool.run(&[
        "creator",
        "create",
        "pool@example.com",
        "--payout",
        "acct_1MqZK2Lkdw",
    ])
    .ok();
    tool.run(&["creator", "verify", "pool@example.com", "--yes"])
        .ok();
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log where action like 'creator%'"),
        "2"
    );
}

#[test]
fn what_needs_a_session_is_refused_on_one_in_transaction_mode() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = tool(&bouncer, &database);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    error: 127.0.0.1:PORT/DB as postgres is a pooler in transaction mode, and migrating needs a session of its own
      note: locks, settings and snapshots would end up in other people's sessions
      note: nothing was changed
      hint: connect to the server itself, or to a pool in session mode
    -- exit 6
    ");
    for command in ["repair", "baseline", "down"] {
        tool.run(&["migrate", command]).code(6);
    }
    tool.run(&["backup", "create", "--to", "b"]).code(6);
    tool.run(&["backup", "restore", "x", "--from", "b", "--into", "y"])
        .code(6);
    assert!(tool.folder().list("b").is_empty());
    // Nothing of ours is left in a connection that the next client gets.
    let left = "select count(*) from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(database.value(left), "0");
}

#[test]
fn nothing_is_left_in_the_sessions_of_a_pooler_in_transaction_mode() {
    let database = Database::indexed();
    // One server connection for everybody.
    let bouncer = Bouncer::start(
        &database,
        &["pool_mode = transaction", "default_pool_size = 1"],
    );
    let tool = tool(&bouncer, &database);
    let before = through(
        &bouncer,
        "select string_agg(name || setting, ',' order by name) from pg_settings where source = 'session'",
    );
    for args in [
        &["dashboard"][..],
        &["user", "list"],
        &["dashboard", "creator", "nobody@example.com"],
    ] {
        tool.run(args);
    }
    let after = through(
        &bouncer,
        "select string_agg(name || setting, ',' order by name) from pg_settings where source = 'session'",
    );
    assert_eq!(before, after);
    let prepared = through(&bouncer, "select count(*) from pg_prepared_statements");
    assert_eq!(prepared, ["0"]);
}

fn through(bouncer: &Bouncer, question: &str) -> Vec<String> {
    crate::support::server::sql(&bouncer.socket, bouncer.database(), question)
}

#[test]
fn a_killed_run_does_not_disturb_the_next() {
    let database = Database::indexed();
    let bouncer = Bouncer::start(
        &database,
        &["pool_mode = transaction", "default_pool_size = 1"],
    );
    let tool = tool(&bouncer, &database);
    let lock = database.session("begin; lock table users in access exclusive mode");
    let mut run = tool.spawn(&["user", "list"]);
    database.wait_until(
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
    );
    run.kill().unwrap();
    run.wait().unwrap();
    lock.sql("commit");
    tool.run(&["user", "list", "--limit", "1"]).ok();
    tool.run(&["dashboard", "creators", "--limit", "1"]).ok();
}

#[test]
fn a_pooler_in_session_mode_is_as_good_as_the_server() {
    let database = Database::empty();
    let bouncer = Bouncer::session(&database);
    let tool = tool(&bouncer, &database);
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["backup", "create", "--to", "b"]).ok();
    tool.run(&["dashboard"]).ok();
    // By its socket it is found out too, although there are no ports to compare.
    let socket = Tool::new().env("DATABASE_URL", &bouncer.socket_url());
    socket.run(&["migrate", "up"]).ok();
}

#[test]
fn a_pooler_is_found_out_at_its_socket_too() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = tool(&bouncer, &database).env("DATABASE_URL", &bouncer.socket_url());
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  POOL/DB as postgres
    error: POOL/DB as postgres is a pooler in transaction mode, and migrating needs a session of its own
      note: locks, settings and snapshots would end up in other people's sessions
      note: nothing was changed
      hint: connect to the server itself, or to a pool in session mode
    -- exit 6
    ");
}

#[test]
fn a_pool_without_room_for_the_probe_is_treated_with_care() {
    let database = Database::migrated();
    let bouncer = Bouncer::start(&database, &["pool_mode = session", "default_pool_size = 1"]);
    let tool = tool(&bouncer, &database);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    error: 127.0.0.1:PORT/DB as postgres is behind a pooler whose mode could not be found out, and migrating needs a session of its own
      note: the pool found no server for a second connection within DURATION
      note: nothing was changed
      hint: try again when the pool has room, or connect to the server itself
    -- exit 6
    ");
    tool.run(&["user", "list"]).ok();
}

#[test]
fn the_port_for_sessions_is_offered_where_there_is_one() {
    use toysoldiers::error::explain;
    use toysoldiers::pg::Endpoint;
    let endpoint = Endpoint::parse(
        "postgresql://postgres.abc@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=verify-full&sslrootcert=supabase",
    )
    .unwrap();
    let error = toysoldiers::pg::pooler::no_session(
        &endpoint,
        &toysoldiers::pg::Pooling::Transaction,
        "migrating",
    );
    assert_snapshot!(explain(&error.into()).hint().unwrap(), @"use the pooler's port for sessions: postgresql://postgres.abc@aws-0-eu.pooler.supabase.com:5432/postgres?sslmode=verify-full&sslrootcert=supabase");
}

#[test]
fn a_different_port_alone_is_no_pooler() {
    // As behind network address translation.
    let database = Database::empty();
    let proxy = crate::support::Proxy::start(database.server.port);
    let url = format!(
        "postgresql://postgres@127.0.0.1:{}/{}",
        proxy.port(),
        database.name
    );
    Tool::new()
        .env("DATABASE_URL", &url)
        .run(&["migrate", "up"])
        .ok();
}

#[test]
fn a_backup_is_restored_through_a_pooler_that_keeps_sessions() {
    let database = Database::migrated();
    let bouncer = Bouncer::session(&database);
    let tool = tool(&bouncer, &database);
    let into = format!("{}_pooled", database.name);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    tool.run(&[
        "backup", "restore", "latest", "--from", "b", "--into", &into,
    ])
    .ok();
    let postgres = database.server.database("postgres");
    postgres.wait_until(&format!(
        "select not exists (select from pg_stat_activity where datname = '{into}')"
    ));
    postgres.sql(&format!("drop database {into} with (force)"));
}
