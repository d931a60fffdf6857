//! Other tools of the trade, those that are on the PATH, with databases of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::migrate::{afresh, text, write_all};
use crate::race::{NOT_SLOWER, Rival, Run};
use crate::support::Database;

/// One of them, and how it is told the same as we are.
struct Peer {
    name: &'static str,
    /// The file of a migration.
    file: fn(usize) -> String,
    /// What the file says before the SQL.
    head: &'static str,
    /// Arguments, with FILES and URL in the place of both.
    up: &'static [&'static str],
    status: Option<&'static [&'static str]>,
    /// The address of a socket's folder, SOCKET, and a database, NAME.
    url: &'static str,
}

const PEERS: [Peer; 4] = [
    Peer {
        name: "sqlx",
        file: |number| format!("{number:04}_t{number}.sql"),
        head: "",
        up: &["migrate", "run", "--source", "FILES", "-D", "URL"],
        status: Some(&["migrate", "info", "--source", "FILES", "-D", "URL"]),
        url: "postgresql://postgres@localhost/NAME?host=SOCKET",
    },
    Peer {
        name: "dbmate",
        file: |number| format!("{number:04}_t{number}.sql"),
        head: "-- migrate:up\n",
        up: &["--no-dump-schema", "-d", "FILES", "-u", "URL", "migrate"],
        status: Some(&["--no-dump-schema", "-d", "FILES", "-u", "URL", "status"]),
        url: "postgres://postgres@/NAME?socket=SOCKET",
    },
    Peer {
        name: "diesel",
        file: |number| format!("{number:04}_t{number}/up.sql"),
        head: "",
        up: &[
            "migration",
            "run",
            "--migration-dir",
            "FILES",
            "--database-url",
            "URL",
        ],
        status: Some(&[
            "migration",
            "list",
            "--migration-dir",
            "FILES",
            "--database-url",
            "URL",
        ]),
        url: "postgresql://postgres@/NAME?host=SOCKET",
    },
    Peer {
        name: "refinery",
        file: |number| format!("V{number}__t{number}.sql"),
        head: "",
        // The address stands in DATABASE_URL.
        up: &["migrate", "-e", "DATABASE_URL", "-p", "FILES"],
        status: None,
        url: "postgresql://postgres@localhost/NAME?host=SOCKET",
    },
];

/// Applying all migrations to an empty database.
pub fn up(folder: &Path) -> Vec<Rival> {
    rivals(|peer| {
        let files = peer.files(folder);
        Some(afresh(move |database| {
            peer.command(peer.up, &files, database)
        }))
    })
}

/// Applying nothing, since all are applied.
pub fn up_again(folder: &Path) -> Vec<Rival> {
    rivals(|peer| Some(peer.on_applied(peer.up, folder)))
}

/// Telling the state of all, which are applied.
pub fn status(folder: &Path) -> Vec<Rival> {
    rivals(|peer| Some(peer.on_applied(peer.status?, folder)))
}

/// Telling the version.
pub fn version() -> Vec<Rival> {
    rivals(|peer| {
        Some(Box::new(|| {
            let mut command = Command::new(peer.name);
            command.arg("--version");
            command
        }))
    })
}

/// Whoever is here and takes part.
fn rivals(run: impl Fn(&'static Peer) -> Option<Run>) -> Vec<Rival> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    PEERS
        .iter()
        .filter(|peer| std::env::split_paths(&path).any(|folder| folder.join(peer.name).is_file()))
        .filter_map(|peer| {
            Some(Rival {
                name: peer.name,
                run: run(peer)?,
                limit: NOT_SLOWER,
            })
        })
        .collect()
}

impl Peer {
    fn files(&self, folder: &Path) -> PathBuf {
        write_all(&folder.join(self.name), self.file, |number| {
            format!("{}{}", self.head, text(number))
        })
    }

    fn on_applied(&'static self, args: &'static [&'static str], folder: &Path) -> Run {
        let files = self.files(folder);
        let database = Database::empty();
        let applied = self.command(self.up, &files, &database).output().unwrap();
        assert!(applied.status.success(), "{}: {applied:?}", self.name);
        Box::new(move || self.command(args, &files, &database))
    }

    fn command(&self, args: &[&str], files: &Path, database: &Database) -> Command {
        let socket = Database::socket().display().to_string();
        let url = self.url.replace("SOCKET", &socket);
        let url = url.replace("NAME", &database.name);
        let mut command = Command::new(self.name);
        command.env("DATABASE_URL", &url).current_dir("/");
        for arg in args {
            match *arg {
                "FILES" => command.arg(files),
                "URL" => command.arg(&url),
                other => command.arg(other),
            };
        }
        command
    }
}
