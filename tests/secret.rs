//! Passwords of databases: seen by nobody, whatever runs and however it ends.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::local::Private;
use crate::manual;
use crate::support::tool::Outcome;
use crate::support::{Database, Tool, server};

const PASSWORD: &str = "open sesame";

/// Every command of the program, with words that make it do its work, in an order in which that works.
const COMMANDS: &[&[&str]] = &[
    &["env", "list"],
    &["env", "show"],
    &["migrate", "new", "a change", "--migrations", "m"],
    &["migrate", "check", "--migrations", "m"],
    &["migrate", "up"],
    &["migrate", "status", "--check"],
    &["migrate", "verify"],
    &["migrate", "dump", "--file", "schema.sql"],
    &["migrate", "history"],
    &["migrate", "repair"],
    &["migrate", "baseline", "--no-compare", "--yes"],
    &["migrate", "down", "--to", "13"],
    &["deploy", "--backup"],
    &["deploy", "--plan-file", "plan.json"],
    &["deploy", "plan.json"],
    &["deploy", "--history"],
    &["status"],
    &["policy", "status"],
    &["policy", "apply"],
    &["policy", "list"],
    &["policy", "test", "--policies", "p"],
    &["policy", "audit"],
    &["policy", "list", "--as", "postgres"],
    &["index", "advise"],
    &["policy", "detach", "content", "--yes"],
    &["policy", "attach", "content", "--yes"],
    &["index", "status"],
    &["index", "apply"],
    &["index", "rebuild", "content_tags_idx"],
    &["policy", "adopt", "--policies", "adopted", "--yes"],
    &["index", "adopt", "--indexes", "adopted-too", "--yes"],
    &["index", "list"],
    &["user", "create", "sam@example.com", "--generate"],
    &["user", "list"],
    &["user", "show", "sam@example.com"],
    &[
        "creator",
        "create",
        "nina@example.com",
        "--generate",
        "--payout",
        "acct_1MqZK2Lkdw",
    ],
    &["creator", "verify", "nina@example.com", "--yes"],
    &["creator", "unverify", "nina@example.com", "--yes"],
    &["creator", "list"],
    &["creator", "show", "nina@example.com"],
    &["dashboard"],
    &["dashboard", "overview"],
    &["dashboard", "creators"],
    &["dashboard", "creator", "nina@example.com"],
    &["dashboard", "content"],
    &["backup", "create", "--to", "b"],
    &["backup", "list", "--from", "b"],
    &[
        "backup", "restore", "latest", "--from", "b", "--into", "INTO",
    ],
    &["psql", "-c", "select current_user"],
    &["env", "check"],
    &["env", "pin", "--yes"],
    &["local", "start", "--env", "local"],
    &["local", "status", "--env", "local"],
    &["local", "logs", "--env", "local"],
    &["local", "reset", "--env", "local", "--confirm", "local"],
    &["local", "stop", "--env", "local"],
    &["completions", "bash"],
    &["man"],
];

/// What is looked at in another test: the tour takes longer than all others together, and `init` wants to find no
/// file.
const ELSEWHERE: &[&str] = &["demo", "init"];

#[test]
fn no_command_is_left_out_here() {
    let mut all = BTreeSet::new();
    manual::commands(&Tool::new(), &[], &mut all);
    let left_out: Vec<&String> = all
        .iter()
        .filter(|command| {
            let words: Vec<&str> = command.split(' ').collect();
            !COMMANDS.iter().any(|known| known.starts_with(&words))
                && !ELSEWHERE.contains(&command.as_str())
        })
        .collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}

/// Who tells the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Command,
    Variable,
    Address,
    DatabaseUrl,
    Passfile,
    Service,
    Standard,
}

impl Source {
    /// A folder with an environment `shop` at this address, whose password this source tells.
    fn tool(self, url: &str, password: &str) -> Tool {
        let tool = Tool::new();
        let with_password = url.replacen('@', &format!(":{}@", password.replace(' ', "%20")), 1);
        let (url, line) = match self {
            Self::Command => (url, "password_command = [\"cat\", \"secret file\"]"),
            Self::Variable => (url, "password_env = \"SHOP_PASSWORD\""),
            Self::Address => (with_password.as_str(), ""),
            Self::Standard | Self::DatabaseUrl | Self::Passfile | Self::Service => (url, ""),
        };
        if self == Self::DatabaseUrl {
            return tool.env("DATABASE_URL", &with_password);
        }
        tool.write(
            "toysoldiers.toml",
            format!("default_env = \"shop\"\n[env.shop]\nurl = \"{url}\"\n{line}\n"),
        );
        match self {
            Self::Command => {
                tool.write("secret file", format!("{password}\n"));
                tool
            }
            Self::Variable => tool.env("SHOP_PASSWORD", password),
            Self::Standard => tool.env("PGPASSWORD", password),
            Self::Passfile => {
                let path = tool.write(".pgpass", format!("*:*:*:clerk:{password}\n"));
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
                tool
            }
            Self::Service => {
                let (_, host) = url.split_once("host=").unwrap();
                let host = host.split('&').next().unwrap();
                let service = format!("[shop]\nhost={host}\nuser=clerk\npassword={password}\n");
                tool.write(".pg_service.conf", service);
                tool.env("PGSERVICE", "shop")
            }
            Self::Address | Self::DatabaseUrl => tool,
        }
    }
}

/// A folder with PostgreSQL's programs. Those that get a way in write down first what everybody can see of them
/// and of us.
fn spied_programs(tool: &Tool) -> String {
    let folder = tool.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(server::bin()).unwrap() {
        let program = entry.unwrap();
        let name = program.file_name().into_string().unwrap();
        if !["pg_dump", "pg_restore", "psql"].contains(&name.as_str()) {
            symlink(program.path(), folder.join(name)).unwrap();
            continue;
        }
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exec {0} --version\n\
             cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> \"$0.seen\"\nexec {0} \"$@\"\n",
            program.path().display()
        );
        let spy = tool.write(&format!("bin/{name}"), script);
        std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

fn is_silent(outcome: &Outcome, what: &[&str], password: &str) {
    let encoded = password.replace(' ', "%20");
    let text = outcome.to_string();
    assert!(
        !text.contains(password) && !text.contains(&encoded),
        "{what:?}\n{text}"
    );
}

/// Runs everything, in several forms, and looks for the password in all that can be seen.
fn nothing_shows(source: Source) {
    let database = Database::empty();
    database.clerk();
    let private = Private::new();
    let local = private.tool.path().join("local");
    let tool = source
        .tool(&database.url_as("clerk"), PASSWORD)
        .env("TOYSOLDIERS_LOCAL_DIR", local.to_str().unwrap());
    let bin = spied_programs(&tool);
    let tool = tool.env("TOYSOLDIERS_PG_BIN", &bin);
    tool.write("m/001_a.sql", "select 1;\n");
    tool.write(
        "p/matrix.toml",
        "actors = { clerk = { role = \"clerk\" } }\n[[probe]]\ntable = \"users\"\ntruncate = true\nallowed = [\"clerk\"]\n",
    );
    let into = format!("{}_again", database.name);
    for command in COMMANDS {
        let command: Vec<&str> = command
            .iter()
            .map(|word| if *word == "INTO" { into.as_str() } else { word })
            .collect();
        let outcome = tool.run(&[&command[..], &["-vv"]].concat());
        is_silent(&outcome, &command, PASSWORD);
        // A check may find something, and a bare URL cannot be pinned.
        let is_well = match command[..] {
            ["env", "check" | "pin", ..] => matches!(outcome.code, Some(0 | 3 | 4 | 6)),
            _ => outcome.code == Some(0),
        };
        assert!(is_well, "{source:?} {command:?} {outcome}");
        // Much of it is an error the second time, which shall be as silent.
        let outcome = tool.run(&[&command[..], &["-vv", "-o", "json"]].concat());
        is_silent(&outcome, &command, PASSWORD);
    }
    for program in ["pg_dump", "pg_restore", "psql"] {
        let seen = std::fs::read(tool.path().join(format!("bin/{program}.seen"))).unwrap();
        let seen = String::from_utf8_lossy(&seen);
        assert!(seen.contains("PGPASSFILE=/dev/fd/"), "{seen}");
        assert!(!seen.contains("sesame"), "{seen}");
    }
    let manifest = tool.folder().list("b").pop().unwrap();
    let manifest = std::fs::read_to_string(tool.path().join("b").join(manifest)).unwrap();
    assert!(!manifest.contains("sesame"), "{manifest}");
    nothing_shows_of_failures(source, &database);
    database
        .server
        .database("postgres")
        .sql(&format!("drop database {into}"));
}

/// The same for what cannot work: the wrong password, no server, a stranger's database.
fn nothing_shows_of_failures(source: Source, database: &Database) {
    let some: [&[&str]; 5] = [
        &["dashboard"],
        &["migrate", "up"],
        &["backup", "create", "--to", "b"],
        &["psql", "-c", "select 1"],
        &["env", "show"],
    ];
    let nowhere = "postgresql://clerk@/shop?host=/nonexistent";
    let stranger = "alter table toysoldiers.installation add if not exists environment text; update toysoldiers.installation set environment = 'other'";
    database.sql(stranger);
    for (url, password, code) in [
        (database.url_as("clerk").as_str(), "a wrong sesame", 5),
        (nowhere, PASSWORD, 5),
        (&database.url_as("clerk"), PASSWORD, 6),
        (
            "postgresql://clerk@/shop?host=/tmp&sslmode=never",
            PASSWORD,
            4,
        ),
    ] {
        let tool = source.tool(url, password);
        for words in some {
            for form in [&["-vv"][..], &["-vv", "-o", "json"]] {
                let outcome = tool.run(&[words, form].concat());
                is_silent(&outcome, words, password);
                // A bare URL has no stamp to compare, and some need no database.
                let is_fine = words[0] == "env" || (code == 6 && source == Source::DatabaseUrl);
                if !is_fine && (words[0] != "psql" || form.len() == 1) {
                    assert_eq!(outcome.code, Some(code), "{source:?} {words:?} {outcome}");
                }
            }
        }
    }
}

#[test]
fn a_password_command_tells_nobody_else() {
    nothing_shows(Source::Command);
}

#[test]
fn a_password_in_a_variable_stays_there() {
    nothing_shows(Source::Variable);
}

#[test]
fn a_password_in_the_configuration_stays_there() {
    nothing_shows(Source::Address);
}

#[test]
fn a_password_in_database_url_stays_there() {
    nothing_shows(Source::DatabaseUrl);
}

#[test]
fn a_password_in_a_file_of_passwords_stays_there() {
    nothing_shows(Source::Passfile);
}

#[test]
fn a_password_in_a_service_stays_there() {
    nothing_shows(Source::Service);
}

#[test]
fn a_password_in_pgpassword_stays_there() {
    nothing_shows(Source::Standard);
}

#[test]
fn neither_the_tour_nor_the_first_file_has_to_do_with_it() {
    let private = Private::new();
    private.tool.write(
        "toysoldiers.toml",
        "[env.shop]\nurl = \"postgresql://clerk:open%20sesame@/shop?host=/nonexistent\"\n",
    );
    let outcome = private.tool.run(&["demo", "-vv"]).ok();
    is_silent(&outcome, &["demo"], PASSWORD);
    let tool = Tool::new().env("PGPASSWORD", PASSWORD);
    let url = "postgresql://clerk@/shop?host=/nonexistent";
    let outcome = tool.run(&["init", "shop", "--url", url, "-vv"]).ok();
    is_silent(&outcome, &["init"], PASSWORD);
}
