//! A guarded database by another spelling of its address: the guards hold.

use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

const CREATE: &[&str] = &["user", "create", "a@example.com", "--generate"];

/// The program beside a file whose `production` is at this address, with these lines.
fn production(url: &str, lines: &str) -> Tool {
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        format!("[env.production]\nurl = \"{url}\"\n{lines}\n"),
    );
    tool
}

/// All the ways to the database that are not the one of the file.
fn spellings(database: &Database) -> Vec<String> {
    let (name, port) = (&database.name, database.server.port);
    let socket = database.server.socket.display();
    [
        format!("postgresql://postgres@localhost:{port}/{name}"),
        format!("postgresql://postgres@127.0.0.1:{port}/{name}"),
        format!("postgresql://postgres@127.1:{port}/{name}?sslmode=disable"),
        format!("postgresql://postgres@2130706433:{port}/{name}?sslmode=disable"),
        format!("postgresql://postgres@0.0.0.0:{port}/{name}?sslmode=disable"),
        format!("host=elsewhere.example hostaddr=127.0.0.1 port={port} user=postgres dbname={name} sslmode=disable"),
        format!("host={socket} port={port} user=postgres dbname={name}"),
        format!("host={socket} user=postgres dbname={name}"),
        format!("host={socket}/../{} user=postgres dbname={name}", database.server.socket.file_name().unwrap().display()),
    ]
    .into()
}

fn run(tool: &Tool, url: &str, words: &[&str]) -> Outcome {
    tool.run(&[&["--database-url", url], words].concat())
}

#[test]
fn no_spelling_of_an_address_leads_past_its_guards() {
    let database = Database::migrated();
    let all = spellings(&database);
    // By TCP and by socket, each from and to all others.
    let (tcp, socket) = (&all[0], &all[6]);
    let from = [tcp, socket]
        .into_iter()
        .flat_map(|from| all.iter().map(move |to| (from, to)));
    let to = [tcp, socket]
        .into_iter()
        .flat_map(|to| all.iter().map(move |from| (from, to)));
    for (configured, url) in from.chain(to) {
        let tool = production(configured, "protected = true\ndeny = [\"backup\"]");
        let refused = run(&tool, url, CREATE).code(6);
        assert!(
            refused.stderr.contains("PROTECTED"),
            "{configured}\n{url}\n{refused}"
        );
        let denied = run(&tool, url, &["backup", "create", "--to", "b"]).code(6);
        assert!(
            denied
                .stderr
                .contains("production never runs `backup create`"),
            "{configured}\n{url}\n{denied}"
        );
    }
    assert_eq!(database.value("select count(*) from users"), "0");
}

#[test]
fn another_database_or_server_is_not_guarded() {
    let (database, other) = (Database::migrated(), Database::migrated());
    let port = database.server.port;
    for (configured, url) in [
        (database.tcp_url("postgres"), other.url()),
        (database.url(), other.tcp_url("postgres")),
        (
            format!(
                "postgresql://postgres@127.0.0.1:{}/{}",
                port ^ 1,
                database.name
            ),
            database.url(),
        ),
        (
            format!("postgresql://postgres@192.0.2.1:{port}/{}", database.name),
            database.tcp_url("postgres"),
        ),
        (
            format!("host=/nonexistent user=postgres dbname={}", database.name),
            database.url(),
        ),
    ] {
        let tool = production(&configured, "protected = true");
        let outcome = run(&tool, &url, &[CREATE, &["--dry-run"]].concat()).ok();
        assert!(
            !outcome.stderr.contains("PROTECTED"),
            "{configured}\n{outcome}"
        );
    }
}

#[test]
fn a_pinned_server_is_known_wherever_it_is() {
    let database = Database::migrated();
    let found = database.value("select system_identifier from pg_control_system()");
    let elsewhere = format!("postgresql://postgres@192.0.2.1/{}", database.name);
    let pinned = format!("protected = true\nfingerprint = \"{found}\"");
    let tool = production(&elsewhere, &pinned);
    let refused = run(&tool, &database.url(), CREATE).code(6);
    assert!(refused.stderr.contains("PROTECTED"), "{refused}");
    // The fingerprint of another server counts more than what an address looks like.
    let tool = production(
        &database.tcp_url("postgres"),
        "protected = true\nfingerprint = \"7\"",
    );
    run(&tool, &database.url(), &[CREATE, &["--dry-run"]].concat()).ok();
}

#[test]
fn a_host_that_cannot_be_looked_up_is_told() {
    let database = Database::migrated();
    let url = format!("postgresql://postgres@production.invalid/{}", database.name);
    let tool = production(&url, "protected = true");
    let outcome = run(&tool, &database.url(), &["user", "list"]).ok();
    let line = "whether this is the database of production is not known: its host production.invalid could not be looked up";
    assert!(outcome.stderr.contains(line), "{outcome}");
}

#[test]
fn who_is_asked_about_a_protected_environment_without_a_fingerprint_is_told_so() {
    let database = Database::migrated();
    let tool = production(&database.url(), "protected = true");
    let create = [&["-e", "production"], CREATE].concat();
    let mut person = tool.terminal(&create);
    person.exp_string("has no fingerprint").unwrap();
    person.exp_string("y/N").unwrap();
    person.send_line("n").unwrap();
    person.exp_eof().unwrap();
    // Where nobody is asked, it would be said again and again to nobody.
    let refused = tool.run(&create).code(6);
    assert!(!refused.stderr.contains("has no fingerprint"), "{refused}");
}

#[test]
fn what_stands_in_for_a_guarded_database_is_guarded() {
    let (database, replica) = (Database::migrated(), Database::migrated());
    let url = |database: &Database| {
        let port = database.server.port;
        format!("postgresql://postgres@localhost:{port}/{}", database.name)
    };
    let lines = "protected = true\ndeny = [\"backup\"]";
    let standing_in = format!(
        "{lines}\n[env.production.replica]\nurl = \"{}\"",
        url(&replica)
    );
    let tool = production(&url(&database), &standing_in);
    for url in [
        url(&replica),
        url(&replica).replace("localhost", "127.0.0.1"),
    ] {
        let refused = run(&tool, &url, CREATE).code(6);
        assert!(refused.stderr.contains("PROTECTED"), "{refused}");
        run(&tool, &url, &["backup", "create", "--to", "b"]).code(6);
    }
    // Of what cannot be read nobody knows where it leads.
    let tool = production("service=nowhere", lines);
    let told = run(&tool, &url(&database), &["status"]);
    assert!(
        told.stderr.contains(
            "whether this is the database of production is not known: its address in toysoldiers.toml cannot be read"
        ),
        "{told}"
    );
}

#[test]
fn nothing_is_tried_out_on_a_guarded_server() {
    let (database, other) = (Database::migrated(), Database::migrated());
    let url = |database: &str| {
        let port = other.server.port;
        format!("postgresql://postgres@localhost:{port}/{database}")
    };
    let verify = |tool: &Tool, command: &str, scratch: &str| {
        let url = url(&other.name);
        tool.run(&[
            "--database-url",
            &url,
            "migrate",
            command,
            "--scratch-url",
            scratch,
        ])
    };
    for (lines, said) in [
        (
            "protected = true",
            "on the server of production, which is protected",
        ),
        (
            "deny = [\"migrate verify\"]",
            "production never runs `migrate verify`",
        ),
    ] {
        let tool = production(&url(&database.name), lines);
        for scratch in [url(&database.name), url("postgres")] {
            let refused = verify(&tool, "verify", &scratch).code(6);
            assert!(refused.stderr.contains(said), "{refused}");
        }
    }
    assert_eq!(
        other.sql("select count(*) from pg_database where datname like 'toysoldiers_scratch%' and datname = 'never'"),
        ["0"]
    );
}
