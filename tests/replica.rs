//! Reading from a replica: only when it has what the primary has, and always saying who answered.

use std::sync::Arc;

use insta::assert_snapshot;

use crate::support::{Database, Replica, Server, Setup, Tool};

/// A tool with an environment `shop` that has this replica.
fn tool(primary: &Database, replica: &Database, max_lag: &str) -> Tool {
    let tool = Tool::new()
        .hiding(primary)
        .hide(&replica.server.socket.display().to_string(), "REPLICA")
        .env("TOYSOLDIERS_ENV", "shop");
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\n[env.shop.replica]\nurl = \"{}\"\nmax_lag = \"{max_lag}\"\n",
            primary.url(),
            replica.url()
        ),
    );
    tool
}

fn migrated(server: &Arc<Server>) -> Database {
    let database = Database::on(server);
    database.migrate();
    database
}

#[test]
fn a_replica_that_has_what_the_primary_has_answers() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "10s");
    tool.run(&["user", "create", "new@example.com", "--generate"])
        .ok();
    // Read your writes: it was made on the primary a moment ago.
    let outcome = tool.run(&["user", "list", "-o", "csv"]).ok();
    assert!(outcome.stdout.contains("new@example.com"), "{outcome}");
    assert_snapshot!(outcome.stderr, @"
    -> shop  SOCKET/DB as postgres
    the replica REPLICA/DB as postgres answers; it had all changes of the primary after DURATION
    ");
    for args in [
        &["dashboard"][..],
        &["dashboard", "creators"],
        &["dashboard", "content"],
        &["creator", "list"],
    ] {
        let outcome = tool.run(args).ok();
        assert!(outcome.stderr.contains("the replica"), "{outcome}");
    }
    // What is about one person, or changes something, is the primary's.
    let outcome = tool.run(&["user", "show", "new@example.com"]).ok();
    assert!(!outcome.stderr.contains("replica"), "{outcome}");
}

#[test]
fn a_replica_that_is_behind_does_not_answer() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "50ms");
    replica.pause();
    tool.run(&["user", "create", "new@example.com", "--generate"])
        .ok();
    let outcome = tool.run(&["user", "list", "-o", "csv"]).ok();
    assert!(outcome.stdout.contains("new@example.com"), "{outcome}");
    assert_snapshot!(bytes(&outcome.stderr), @"
    -> shop  SOCKET/DB as postgres
    the primary answers; the replica REPLICA/DB as postgres is N bytes behind
    ");
    replica.resume();
    let outcome = tool.run(&["user", "list", "-o", "csv"]).ok();
    assert!(outcome.stdout.contains("new@example.com"), "{outcome}");
}

fn bytes(text: &str) -> String {
    regex::Regex::new(r"is \d+ bytes")
        .unwrap()
        .replace_all(text, "is N bytes")
        .into_owned()
}

#[test]
fn a_replica_that_is_cut_off_does_not_answer_however_idle_it_looks() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "50ms");
    replica.cut();
    primary.sql("insert into users (id, email, password_hash, role) values (gen_random_uuid(), 'late@example.com', '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'fan')");
    let outcome = tool.run(&["user", "list", "-o", "csv"]).ok();
    assert!(outcome.stdout.contains("late@example.com"), "{outcome}");
    assert!(
        outcome.stderr.contains("the primary answers; the replica"),
        "{outcome}"
    );
}

#[test]
fn a_replica_that_is_gone_is_told_and_the_primary_answers() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "5s");
    replica.server.stop();
    assert_snapshot!(tool.run(&["user", "list", "-o", "csv"]).ok(), @"
    -- stdout
    id,email,role,created_at,updated_at,creator_id
    -- stderr
    -> shop  SOCKET/DB as postgres
    warning: the replica REPLICA/DB as postgres cannot be reached (no such file or directory); the primary answers
    -- exit 0
    ");
}

#[test]
fn when_the_primary_is_away_the_replica_answers_and_says_so() {
    let server = Server::start(&Setup::new());
    let replica = Replica::of(&server);
    let primary = migrated(&server);
    primary.sql("insert into users (id, email, password_hash, role) values (gen_random_uuid(), 'a@example.com', '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'fan')");
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "5s");
    server.stop();
    let outcome = tool.run(&["user", "list", "-o", "csv"]).ok();
    assert!(outcome.stdout.contains("a@example.com"), "{outcome}");
    assert_snapshot!(outcome.stderr, @"
    -> shop  SOCKET/DB as postgres
    warning: the primary cannot be reached (no such file or directory); the replica REPLICA/DB as postgres answers: the last change it has was made at TIME
    ");
    // A change does not go there.
    assert_snapshot!(tool.run(&["user", "create", "b@example.com", "--generate"]).code(5), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot reach SOCKET/DB as postgres
      caused by: no such file or directory
      hint: check that the server runs, and the host and the port of its address
    -- exit 5
    ");
    replica.server.stop();
    tool.run(&["user", "list"]).code(5);
}

#[test]
fn a_server_that_is_no_replica_of_the_primary_does_not_answer() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let other = Database::migrated();
    let outcome = tool(&primary, &other, "5s")
        .run(&["user", "list", "-o", "csv"])
        .ok();
    assert_snapshot!(outcome.stderr.replace(&other.name, "OTHER"), @"
    -> shop  SOCKET/DB as postgres
    warning: REPLICA/OTHER as postgres is no replica: it takes changes of its own; the primary answers
    ");
    // One of another server.
    let stranger = Server::stranger(&Setup::new());
    let mine = Database::on(&stranger);
    mine.migrate();
    let outcome = tool(&mine, &replica.database(&primary), "5s")
        .run(&["user", "list", "-o", "csv"])
        .ok();
    let told = fingerprints(&outcome.stderr).replace(&primary.name, "DB");
    assert_snapshot!(told, @"
    -> shop  SOCKET/DB as postgres
    warning: REPLICA/DB as postgres is a replica of another server (its fingerprint is NUMBER, the primary's NUMBER); the primary answers
    ");
}

fn fingerprints(text: &str) -> String {
    regex::Regex::new(r"\d{15,}")
        .unwrap()
        .replace_all(text, "NUMBER")
        .into_owned()
}

#[test]
fn a_question_that_a_replica_cancels_goes_to_the_primary_once() {
    let server = Server::start(&Setup::new());
    let replica = Replica::of(&server);
    replica
        .server
        .database("postgres")
        .sql("alter system set max_standby_streaming_delay = 0");
    replica.server.reload();
    let primary = migrated(&server);
    let copy = replica.database(&primary);
    let tool = tool(&primary, &copy, "10s");
    // Planning the question lasts on the replica, with a snapshot that sees rows which the primary then sweeps away.
    primary.sql(
        "create function slow() returns boolean language plpgsql immutable as
             'begin if pg_is_in_recovery() then perform pg_sleep(60); end if; return true; end';
         create index on users (id) where slow();
         insert into users (id, email, password_hash, role)
         select gen_random_uuid(), n || '@example.com', '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'fan'
         from generate_series(1, 3) as n",
    );
    replica.catch_up();
    let run = tool.spawn(&["user", "list", "-o", "csv"]);
    copy.wait_until(
        "select exists (select from pg_stat_activity where application_name = 'toysoldiers' and wait_event = 'PgSleep')",
    );
    primary.sql("delete from users where email = '1@example.com'");
    primary.sql("vacuum users");
    let outcome = tool.outcome(run).ok();
    assert_snapshot!(outcome.stderr, @"
    -> shop  SOCKET/DB as postgres
    the replica REPLICA/DB as postgres answers; it had all changes of the primary after DURATION
    the replica had to cancel the question for changes of the primary; the primary answers
    ");
    assert!(outcome.stdout.contains("2@example.com"), "{outcome}");
}

#[test]
fn env_check_tells_of_the_replica() {
    let replica = Replica::new();
    let primary = migrated(replica.primary());
    let copy = replica.database(&primary);
    let line = |tool: &Tool, code: i32| {
        let checked = tool.run(&["env", "check", "-o", "json"]).code(code).json();
        let lines = checked["checks"].as_array().unwrap().clone();
        let line = lines
            .iter()
            .find(|line| line["check"] == "replica")
            .unwrap();
        format!(
            "{} {}",
            line["state"],
            tool.redact(line["found"].as_str().unwrap())
        )
    };
    let close = tool(&primary, &copy, "50ms");
    assert_snapshot!(line(&close, 0), @r#""fine" REPLICA/DB as postgres had all changes of the primary after DURATION"#);
    replica.pause();
    primary.sql("create table later (id int)");
    assert_snapshot!(bytes(&line(&close, 3)), @r#""wrong" REPLICA/DB as postgres is N bytes behind"#);
    replica.resume();
    assert_snapshot!(line(&tool(&primary, &primary, "1s"), 3), @r#""wrong" SOCKET/DB as postgres is no replica: it takes changes of its own"#);
    replica.server.stop();
    assert_snapshot!(line(&close, 3), @r#""wrong" REPLICA/DB as postgres: no such file or directory"#);
}
