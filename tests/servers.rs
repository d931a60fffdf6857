//! The servers other tests stand on, and what stands between them and the program: that they behave as those do
//! that the program meets out there.

use std::process::Command;

use crate::support::{Bouncer, Database, Proxy, Replica, Server, Setup, server};

/// What psql answers at this address, with the password of `clerk`; its error otherwise.
fn psql(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(server::bin().join("psql"))
        .args([url, "-XAtqc", sql])
        .env("PGPASSWORD", "open sesame")
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

const NAME: &str = "select current_database()";
const LOCKED: &str = "select exists (select from pg_locks where locktype = 'advisory' and objid = 42 \
     and database = (select oid from pg_database where datname = current_database()))";

#[test]
fn a_server_has_its_own_settings_rules_and_files() {
    let setup = Setup::new()
        .setting("work_mem = '5MB'")
        .setting("include 'more.conf'")
        .rule("host all clerk 127.0.0.1/32 reject")
        .file("more.conf", "maintenance_work_mem = '6MB'");
    let database = Database::on(&Server::start(&setup));
    database.clerk();
    assert_eq!(
        database
            .value("select current_setting('work_mem') || current_setting('maintenance_work_mem')"),
        "5MB6MB"
    );
    let refusal = psql(&database.tcp_url("clerk"), NAME).unwrap_err();
    assert!(refusal.contains("pg_hba.conf rejects"), "{refusal}");
    database
        .server
        .add_rule("host all clerk 127.0.0.1/32 trust");
    assert_eq!(
        psql(&database.tcp_url("clerk"), NAME).unwrap(),
        database.name
    );
}

#[test]
fn a_server_that_is_stopped_is_gone() {
    let server = Server::start(&Setup::new());
    let database = Database::on(&server);
    server.stop();
    assert!(!server.socket.exists());
    let error = psql(&database.tcp_url("postgres"), NAME).unwrap_err();
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn everybody_reaches_a_database_directly_and_through_a_pooler() {
    let database = Database::empty();
    database.clerk();
    let bouncer = Bouncer::transaction(&database);
    for url in [
        database.url(),
        format!(
            "postgresql://postgres@localhost:{}/{}",
            Database::port(),
            database.name
        ),
        database.tcp_url("clerk"),
        bouncer.url(),
        bouncer.url_as("clerk"),
        bouncer.socket_url(),
    ] {
        assert_eq!(psql(&url, NAME).unwrap(), database.name, "{url}");
    }
    let wrong = psql(&bouncer.url_as("clerk:hunter2"), NAME).unwrap_err();
    assert!(wrong.contains("authentication failed"), "{wrong}");
}

#[test]
fn a_lock_of_a_session_outlives_its_client_where_transactions_are_pooled() {
    let database = Database::empty();
    let bouncer = Bouncer::transaction(&database);
    psql(&bouncer.url(), "select pg_advisory_lock(42)").unwrap();
    assert_eq!(database.value(LOCKED), "t");
    // With the pooler end its connections, and with them their locks.
    drop(bouncer);
    database.wait_until(&format!("select not ({LOCKED})"));
}

#[test]
fn a_lock_of_a_session_ends_with_its_client_where_sessions_are_pooled() {
    let database = Database::empty();
    let bouncer = Bouncer::session(&database);
    psql(&bouncer.url(), "select pg_advisory_lock(42)").unwrap();
    database.wait_until(&format!("select not ({LOCKED})"));
}

#[test]
fn a_replica_shows_what_its_primary_has_until_it_is_held_back() {
    let replica = Replica::new();
    let database = Database::on(replica.primary());
    database.sql("create table t as select 1 as n");
    let copy = replica.database(&database);
    let shown = || copy.value("select count(*) from t");
    assert_eq!(shown(), "1");
    assert_eq!(
        copy.refusal("insert into t values (2)"),
        "cannot execute INSERT in a read-only transaction"
    );

    replica.pause();
    database.sql("insert into t values (2)");
    // It has it, and does not show it.
    let written = database.value("select pg_current_wal_flush_lsn()");
    copy.wait_until(&format!("select pg_last_wal_receive_lsn() >= '{written}'"));
    assert_eq!(shown(), "1");
    replica.resume();
    replica.catch_up();
    assert_eq!(shown(), "2");

    replica.cut();
    database.sql("insert into t values (3)");
    assert_eq!(shown(), "2");
    replica.mend();
    replica.catch_up();
    assert_eq!(shown(), "3");
}

#[test]
fn a_replica_answers_when_its_primary_is_gone() {
    let primary = Server::start(&Setup::new());
    let database = Database::on(&primary);
    let replica = Replica::of(&primary);
    let copy = replica.database(&database);
    primary.stop();
    assert!(psql(&database.tcp_url("postgres"), NAME).is_err());
    assert_eq!(
        psql(&copy.tcp_url("postgres"), NAME).unwrap(),
        database.name
    );
}

#[test]
fn a_proxy_counts_how_often_a_client_waits() {
    let database = Database::empty();
    database.clerk();
    let counted = |user: &str, options: &str, sql: &str| {
        let proxy = Proxy::start(Database::port());
        let url = format!("{}?{options}", proxy.url(&database, user));
        psql(&url, sql).unwrap();
        proxy.round_trips()
    };
    let plain = "sslmode=disable";
    // To be let in, and to ask.
    assert_eq!(counted("postgres", plain, "select 1"), [2]);
    // An answer in many pieces is one.
    let long = "select repeat('long', 1000) from generate_series(1, 1000)";
    assert_eq!(counted("postgres", plain, long), [2]);
    // A question in many pieces too.
    let long = format!("select 1 -- {}", "long".repeat(25_000));
    assert_eq!(counted("postgres", plain, &long), [2]);
    // The way of a password: who are you, what do you know, prove it.
    assert_eq!(counted("clerk", plain, "select 1"), [4]);
    // May we encrypt? No.
    assert_eq!(counted("postgres", "sslmode=prefer", "select 1"), [3]);
}

#[test]
fn a_proxy_cuts_when_told_and_lets_the_next_one_through() {
    let database = Database::empty();
    database.sql("create table t (n int)");
    let socket = database.server.socket.join(".s.PGSQL.5432");
    let proxy = Proxy::start(socket.as_path());
    let url = proxy.url(&database, "postgres") + "?sslmode=disable";

    // The server has the last word, and nobody hears it.
    proxy.cut_at("insert");
    assert!(psql(&url, "insert into t values (1)").is_err());
    database.wait_until("select count(*) = 1 from t");
    // To say who one is, and to ask.
    proxy.cut_after(2);
    assert!(psql(&url, "insert into t values (2)").is_err());
    database.wait_until("select count(*) = 2 from t");

    let asleep = "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| psql(&url, "select pg_sleep(600)"));
        database.wait_until(&format!("select {asleep}"));
        proxy.cut();
        assert!(sleeper.join().unwrap().is_err());
    });
    assert_eq!(psql(&url, NAME).unwrap(), database.name);
    drop(proxy);
    let refusal = psql(&url, NAME).unwrap_err();
    assert!(refusal.contains("Connection refused"), "{refusal}");
}

#[test]
fn without_the_programs_all_tests_end_at_once_and_say_why() {
    let folder = crate::support::Folder::new();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--test-threads=2", "servers::a_", "servers::everybody"])
        .env("TOYSOLDIERS_PG_BIN", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    let told = told.replace(&folder.path().display().to_string(), "FOLDER");
    let told = told.trim();
    insta::assert_snapshot!(told, @"
    error: the tests need what this machine does not have
      missing: no initdb, postgres, pg_dump, pg_restore, psql in FOLDER, which TOYSOLDIERS_PG_BIN names
      hint: name another folder in TOYSOLDIERS_PG_BIN, or unset it
    ");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!told.contains("FAILED"), "{told}");
}
