//! pg_dump as a child: told everything but secrets on its command line, ended when we end.

use std::path::Path;
use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

use crate::error::{Error, Result};
use crate::pg::tools::Tool;
use crate::pg::{APPLICATION_NAME, Endpoint};

/// How long pg_dump waits for a lock, in milliseconds: it must not queue in front of everyone for long.
const LOCK_WAIT: &str = "10000";

/// Where the dump comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The server and the database.
    pub endpoint: Endpoint,
    /// The password, if one is needed.
    pub password: Option<SecretString>,
}

/// Runs pg_dump on an exported snapshot, into `file`.
pub async fn run(tool: &Tool, source: &Source, snapshot: &str, file: &Path) -> Result<()> {
    let mut command = Command::new(&tool.path);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
        .args(["--format=custom", "--no-password"])
        .arg(format!("--lock-wait-timeout={LOCK_WAIT}"))
        .arg(format!("--snapshot={snapshot}"))
        .arg("--file")
        .arg(file)
        .env("LC_ALL", "C")
        .env("PGHOST", source.endpoint.host())
        .env("PGPORT", source.endpoint.port().to_string())
        .env("PGDATABASE", source.endpoint.database())
        .env("PGAPPNAME", APPLICATION_NAME)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(user) = source.endpoint.user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = &source.password {
        command.env("PGPASSWORD", password.expose_secret());
    }
    let output = command.output().await.map_err(|error| {
        Error::failed(format!("cannot run {}", tool.path.display())).because(error)
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().map(|line| {
        line.trim_start_matches("pg_dump: ")
            .trim_start_matches("error: ")
    });
    let reason = lines.next().unwrap_or("it gave no reason").to_owned();
    let mut error = Error::failed("pg_dump failed").because(Error::failed(reason));
    for line in lines.take(5) {
        error = error.note(line);
    }
    Err(error.note("nothing was kept").into())
}

/// Settings of the person's shell that would send pg_dump elsewhere.
const FOREIGN: [&str; 7] = [
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGTARGETSESSIONATTRS",
];
