//! Reaching a database, and what is said when there is none.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use insta::assert_snapshot;

use crate::support::proxy::Target;
use crate::support::server::bin;
use crate::support::{Database, Proxy, Server, Setup, Tool};

#[test]
fn nobody_at_home() {
    let tool = Tool::new();
    assert_snapshot!(tool.run(&["dashboard", "--database-url", "postgresql://me@/shop?host=/nonexistent"]), @"
    -- stderr
    -> (url)  /nonexistent/shop as me
    error: cannot reach /nonexistent/shop as me
      caused by: no such file or directory
      hint: check that the server runs, and the host and the port of its address
    -- exit 5
    ");
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let outcome = tool.run(&[
        "dashboard",
        "--database-url",
        &format!("postgresql://me@127.0.0.1:{port}/shop"),
    ]);
    assert_snapshot!(outcome.code(5).stderr.replace(&port.to_string(), "PORT"), @"
    -> (url)  127.0.0.1:PORT/shop as me
    error: cannot reach 127.0.0.1:PORT/shop as me
      caused by: connection refused
      hint: check that the server runs, and the host and the port of its address
    ");
    assert_snapshot!(tool.run(&["dashboard", "--database-url", "postgresql://me@no-such-host.invalid/shop?sslmode=disable"]).code(5).stderr.lines().take(2).collect::<Vec<_>>().join("\n"), @"
    -> (url)  no-such-host.invalid/shop as me  PLAIN TEXT
    error: cannot reach no-such-host.invalid/shop as me
    ");
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgresql://me@127.0.0.1:{port}/shop?connect_timeout=1");
    let outcome = Tool::new().run(&["dashboard", "--database-url", &url]);
    assert_snapshot!(outcome.stderr.replace(&port.to_string(), "PORT"), @"
    -> (url)  127.0.0.1:PORT/shop as me
    error: cannot reach 127.0.0.1:PORT/shop as me
      caused by: no answer within DURATION
      hint: check that the server runs, and the host and the port of its address
    ");
    assert_eq!(outcome.code, Some(5));
}

#[test]
fn no_such_database() {
    let url = Database::empty().url().replace("@/t", "@/no_t");
    let outcome = Tool::new()
        .run(&["dashboard", "--database-url", &url])
        .code(5);
    assert!(
        outcome.stderr.contains("caused by: database \"no_t"),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("hint: check the database's name"),
        "{outcome}"
    );
}

#[test]
fn a_wrong_password_and_none_at_all() {
    let database = Database::migrated();
    database.clerk();
    let tool = Tool::new().on_as(&database, "clerk");
    assert_snapshot!(tool.run(&["dashboard"]), @"
    -- stderr
    -> (url)  SOCKET/DB as clerk
    error: cannot connect to SOCKET/DB as clerk
      caused by: the server wants a password, and none was given
      hint: say where it is, with `password_command` or `password_env` in toysoldiers.toml, in ~/.pgpass, or in PGPASSWORD
    -- exit 5
    ");
    let tool = Tool::new()
        .on_as(&database, "clerk")
        .env("PGPASSWORD", "hunter2");
    let outcome = tool.run(&["dashboard"]);
    assert_snapshot!(outcome, @r#"
    -- stderr
    -> (url)  SOCKET/DB as clerk
    error: cannot connect to SOCKET/DB as clerk
      caused by: password authentication failed for user "clerk"
      note: the password came from PGPASSWORD
      hint: check the user and the password of this environment
    -- exit 5
    "#);
    assert!(!outcome.to_string().contains("hunter2"));
    Tool::new()
        .on_as(&database, "clerk")
        .env("PGPASSWORD", "open sesame")
        .run(&["dashboard"])
        .ok();
}

#[test]
fn a_password_comes_from_the_variable_the_file_names() {
    let database = Database::migrated();
    database.clerk();
    let file = format!(
        "[env.shop]\nurl = \"{}\"\npassword_env = \"SHOP_PASSWORD\"\n",
        database.url_as("clerk")
    );
    let tool = Tool::new().env("PGPASSWORD", "hunter2").hiding(&database);
    tool.write("toysoldiers.toml", &file);
    assert_snapshot!(tool.run(&["--env", "shop", "dashboard"]), @"
    -- stderr
    -> shop  SOCKET/DB as clerk
    error: SHOP_PASSWORD, which holds the password of shop, is not set
      hint: set it: `export SHOP_PASSWORD=...`
    -- exit 4
    ");
    let tool = Tool::new()
        .env("SHOP_PASSWORD", "open sesame")
        .env("PGPASSWORD", "hunter2");
    tool.write("toysoldiers.toml", &file);
    tool.run(&["--env", "shop", "dashboard"]).ok();
}

#[test]
fn a_password_in_the_address_is_warned_of_and_never_shown() {
    let database = Database::migrated();
    database.clerk();
    let url = database.url_as("clerk:open%20sesame");
    let tool = Tool::new().hiding(&database);
    for args in [
        &["user", "show", "a@example.com"][..],
        &["migrate", "status", "-o", "json"],
        &["backup", "create", "--to", "b", "-o", "json"],
    ] {
        let outcome = tool.run(&[args, &["--database-url", &url]].concat());
        assert!(
            outcome
                .stderr
                .contains("warning: the address in --database-url holds a password"),
            "{outcome}"
        );
        assert!(!outcome.to_string().contains("sesame"), "{outcome}");
    }
    let wrong = url.replace("open%20sesame", "hunter2");
    let outcome = tool.run(&["dashboard", "--database-url", &wrong]).code(5);
    assert!(!outcome.to_string().contains("hunter2"), "{outcome}");
}

#[test]
fn a_full_server() {
    let database = Database::migrated();
    database.sql(&format!("alter database {} connection limit 0; do $$ begin create role guest login; exception when duplicate_object or unique_violation then null; end $$", database.name));
    assert_snapshot!(Tool::new().on_as(&database, "guest").run(&["dashboard"]).stderr.replace(&database.name, "DB"), @r#"
    -> (url)  SOCKET/DB as guest
    error: cannot connect to SOCKET/DB as guest
      caused by: too many connections for database "DB"
      hint: wait for sessions to end, or raise max_connections; `select * from pg_stat_activity` shows them
    "#);
}

#[test]
fn a_role_without_the_right_is_refused() {
    let database = Database::migrated();
    database.sql("do $$ begin create role visitor login; exception when duplicate_object or unique_violation then null; end $$");
    assert_snapshot!(Tool::new().on_as(&database, "visitor").run(&["user", "show", "a@example.com"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as visitor
    error: query would be affected by row-level security policy for table "users"
      hint: connect as the owner of the tables or a role with BYPASSRLS: policies would hide rows from this one
    -- exit 6
    "#);
}

#[test]
fn a_connection_that_is_cut_is_said_to_be() {
    // A server that lets anyone in and hangs up at the first question.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut bytes = [0; 1024];
        let _ = socket.read(&mut bytes).unwrap();
        // AuthenticationOk, server_version, ReadyForQuery.
        socket
            .write_all(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\x0015.0\0Z\0\0\0\x05I")
            .unwrap();
        let _ = socket.read(&mut bytes).unwrap();
    });
    let outcome = Tool::new().run(&[
        "migrate",
        "status",
        "--database-url",
        &format!("postgresql://me@127.0.0.1:{port}/shop?sslmode=disable"),
    ]);
    server.join().unwrap();
    assert_snapshot!(outcome.stderr.replace(&port.to_string(), "PORT"), @"
    -> (url)  127.0.0.1:PORT/shop as me
    error: the server closed the connection
      hint: check the server's log, then try again
    ");
    assert_eq!(outcome.code, Some(5));
}

#[test]
fn what_needs_tls_is_never_downgraded() {
    // A server without TLS.
    let database = Database::migrated();
    let tool = Tool::new().hiding(&database);
    let url = format!(
        "{}?sslmode=verify-full&sslrootcert=supabase",
        database.tcp_url("postgres")
    );
    assert_snapshot!(tool.run(&["dashboard", "--database-url", &url]), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    error: cannot connect to 127.0.0.1:PORT/DB as postgres
      caused by: the server does not offer TLS
      hint: have `ssl` turned on there; only through a tunnel that ends on this machine write `sslmode=disable`
    -- exit 5
    ");
    // Without a word about TLS, what is on this machine may be reached in plain text.
    tool.run(&["dashboard", "--database-url", &database.tcp_url("postgres")])
        .ok();
}

#[test]
fn the_session_has_our_name() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.write(
        "m/001_a.sql",
        "create table seen as select current_setting('application_name') as name;",
    );
    tool.run(&["migrate", "up", "--migrations", "m"]).ok();
    assert_eq!(database.value("select name from seen"), "toysoldiers");
}

#[test]
fn being_ready_takes_two_round_trips_more_than_psql() {
    let server = Server::start(&Setup::new().rule("host all postgres 127.0.0.2/32 trust"));
    let database = Database::on(&server);
    database.migrate();
    let waits = |run: &dyn Fn(&str)| {
        let proxy = Proxy::start(Target::Transparent(server.port));
        run(&format!(
            "{}?sslmode=disable",
            proxy.url(&database, "postgres")
        ));
        proxy.round_trips()
    };
    let psql = waits(&|url| {
        let psql = Command::new(bin().join("psql"))
            .args(["-X", "-c", "select 1", url])
            .output()
            .unwrap();
        assert!(psql.status.success(), "{psql:?}");
    });
    let ours = waits(&|url| {
        Tool::new()
            .env("DATABASE_URL", url)
            .run(&["user", "list"])
            .ok();
    });
    assert_eq!(ours, [psql[0] + 2]);
    // Pinned and stamped as well.
    let fingerprint = database.value("select system_identifier from pg_control_system()");
    let pinned = waits(&|url| {
        let tool = Tool::new();
        tool.write(
            "toysoldiers.toml",
            format!("[env.shop]\nurl = \"{url}\"\nfingerprint = \"{fingerprint}\"\n"),
        );
        tool.run(&["--env", "shop", "user", "list"]).ok();
    });
    assert_eq!(pinned, ours);
}
