//! A server that is spoken to in TLS only: the program and PostgreSQL's own programs all get there, verified.

use std::sync::LazyLock;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::tls::{Authority, HOST, params};
use crate::support::{Database, Server, Setup, Tool};

static TOYS: LazyLock<Authority> = LazyLock::new(|| Authority::new("Toys CA"));

/// A database on a server that lets nobody in without TLS, and a tool with an environment `shop` that leads there.
fn shop(more: &str) -> (Database, Tool) {
    let shown = TOYS.issue(&params(HOST, &[HOST]));
    let server = Server::start(
        &Setup::new()
            .setting("ssl = on")
            .file("server.crt", &shown.certificate)
            .file("server.key", &shown.key)
            .rule("hostnossl all all all reject")
            .rule("hostssl all clerk all scram-sha-256"),
    );
    let database = Database::on(&server);
    database.clerk();
    let tool = Tool::new()
        .env("TOYSOLDIERS_ENV", "shop")
        .env("SHOP_PASSWORD", "open sesame");
    tool.write("toys.crt", &TOYS.certificate);
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"postgresql://clerk@{HOST}:{}/{}?hostaddr=127.0.0.1&{more}\"\npassword_env = \"SHOP_PASSWORD\"\n",
            server.port, database.name
        ),
    );
    (database, tool)
}

#[test]
fn everything_works_over_tls() {
    // The certificate's path starts where the configuration is, wherever the program is run.
    let (database, tool) = shop("sslrootcert=toys.crt&channel_binding=require");
    tool.run(&["migrate", "up"]).ok();
    database.seed();
    tool.run(&["dashboard"]).ok();
    tool.run(&["backup", "create", "--to", "b"]).ok();
    tool.run(&[
        "backup", "restore", "latest", "--from", "b", "--into", "copy",
    ])
    .ok();
    let copied = database.server.database("copy");
    assert_eq!(
        copied.value("select count(*) from users"),
        database.value("select count(*) from users")
    );
    psql_gets_there(&tool);
}

/// Also when it makes another connection.
fn psql_gets_there(tool: &Tool) {
    let question = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let words = ["psql", "-c", "\\c", "-c", question, "--", "-Atq"];
    assert_eq!(tool.run(&words).ok().stdout, "t\n");
}

#[test]
fn what_the_system_trusts_is_trusted_by_name_and_handed_to_postgresqls_programs() {
    let (_database, tool) = shop("sslmode=verify-full&sslrootcert=system");
    let refused = tool.run(&["migrate", "up"]).code(5);
    assert!(refused.stderr.contains("vouched for"), "{refused}");
    let roots = tool.path().join("toys.crt").display().to_string();
    let tool = tool.env("SSL_CERT_FILE", &roots);
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["backup", "create", "--to", "b"]).ok();
    psql_gets_there(&tool);
}

#[test]
fn an_interrupt_cancels_on_the_server_over_tls() {
    let (database, tool) = shop("sslrootcert=toys.crt");
    tool.write("m/001_slow.sql", "select pg_sleep(600);");
    let run = tool.spawn(&["migrate", "up", "--migrations", "m"]);
    let asleep = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')";
    database.wait_until(asleep);
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let outcome = tool.outcome(run).code(130);
    assert!(outcome.stderr.contains("canceling statement"), "{outcome}");
    database.wait_until(&asleep.replace("exists", "not exists"));
}

#[test]
fn a_check_tells_who_verified_the_server() {
    let (_database, tool) = shop("sslrootcert=toys.crt");
    let checked = tool.run(&["env", "check", "-o", "json"]).ok().json();
    let lines = checked["checks"].as_array().unwrap();
    let tls = lines.iter().find(|line| line["check"] == "tls").unwrap();
    assert_eq!(tls["state"], "fine");
    assert_eq!(
        tls["found"].as_str().unwrap(),
        format!(
            "TLSv1.3 with {HOST}, verified by {}",
            tool.path().join("toys.crt").display()
        )
    );
    assert_eq!(tls["value"]["issuer"], "Toys CA");
    assert_eq!(tls["value"]["sslmode"], "verify-full");
}
