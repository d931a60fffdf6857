//! pg_dump and pg_restore as children: told everything but secrets on their command line, ended when we end.

use std::process::Stdio;

use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

use crate::error::{Error, Result};
use crate::pg::tools::Tool;
use crate::pg::{APPLICATION_NAME, Endpoint};

/// How many lines of a child's complaints are passed on, besides the reason.
const LINES: usize = 5;

/// How a child gets into a database.
#[derive(Debug, Clone)]
pub struct Access {
    /// The server and the database.
    pub endpoint: Endpoint,
    /// The password, if one is needed.
    pub password: Option<SecretString>,
}

impl Access {
    /// The address with the password in it: for the driver, never for a child.
    pub fn endpoint_with_password(&self) -> Endpoint {
        match &self.password {
            Some(password) => self.endpoint.with_password(password),
            None => self.endpoint.clone(),
        }
    }

    /// The same server, another database.
    #[must_use]
    pub fn to_database(&self, database: &str) -> Self {
        Self {
            endpoint: self.endpoint.with_database(database),
            password: self.password.clone(),
        }
    }
}

/// Runs a program to its end; `arguments` adds what is its own. The error holds what it complained about.
pub async fn run(
    tool: &Tool,
    access: &Access,
    arguments: impl FnOnce(&mut Command),
) -> Result<(), Error> {
    let mut command = Command::new(&tool.path);
    for name in FOREIGN {
        command.env_remove(name);
    }
    arguments(&mut command);
    command
        .env("LC_ALL", "C")
        .env("PGHOST", access.endpoint.host())
        .env("PGPORT", access.endpoint.port().to_string())
        .env("PGDATABASE", access.endpoint.database())
        .env("PGAPPNAME", APPLICATION_NAME)
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal is for us, who end the child; otherwise the child could be faster to complain.
        .process_group(0)
        .kill_on_drop(true);
    if let Some(user) = access.endpoint.user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = &access.password {
        command.env("PGPASSWORD", password.expose_secret());
    }
    let output = command.output().await.map_err(|error| {
        Error::failed(format!("cannot run {}", tool.path.display())).because(error)
    })?;
    if output.status.success() {
        return Ok(());
    }
    let program = tool
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let (reason, rest) = complaint(&program, &String::from_utf8_lossy(&output.stderr));
    let mut error = Error::failed(format!("{program} failed")).because(Error::failed(reason));
    for line in rest.into_iter().take(LINES) {
        error = error.note(line);
    }
    Err(error)
}

/// The reason among what a program said, and the other lines.
fn complaint(program: &str, said: &str) -> (String, Vec<String>) {
    let mut lines: Vec<&str> = said
        .lines()
        .map(|line| line.strip_prefix(&format!("{program}: ")).unwrap_or(line))
        .filter(|line| !line.trim().is_empty() && *line != "while PROCESSING TOC:")
        .map(without_rows)
        .collect();
    let place = lines.iter().position(|line| line.starts_with("error: "));
    let reason = match place.or((!lines.is_empty()).then_some(0)) {
        Some(place) => lines.remove(place).trim_start_matches("error: ").to_owned(),
        None => "it gave no reason".to_owned(),
    };
    (reason, lines.into_iter().map(str::to_owned).collect())
}

/// The line without the row it quotes, which may hold anything: addresses, hashes of passwords.
fn without_rows(line: &str) -> &str {
    let end = if line.starts_with("CONTEXT:") {
        line.find(": \"")
    } else if line.starts_with("DETAIL:") {
        line.find(" (")
    } else {
        None
    };
    &line[..end.unwrap_or(line.len())]
}

/// Settings of the person's shell that would send a child elsewhere.
const FOREIGN: [&str; 7] = [
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGTARGETSESSIONATTRS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_first_and_no_row_is_quoted() {
        let said = "pg_restore: while PROCESSING TOC:\n\
            pg_restore: from TOC entry 7; 0 1 TABLE DATA users postgres\n\
            pg_restore: error: COPY failed for table \"users\": ERROR:  duplicate key value\n\
            DETAIL:  Failing row contains (1, a@example.com, $2a$12$x).\n\
            CONTEXT:  COPY users, line 2: \"1\ta@example.com\t$2a$12$x\"\n\n";
        let (reason, rest) = complaint("pg_restore", said);
        assert_eq!(
            reason,
            "COPY failed for table \"users\": ERROR:  duplicate key value"
        );
        assert_eq!(
            rest,
            [
                "from TOC entry 7; 0 1 TABLE DATA users postgres",
                "DETAIL:  Failing row contains",
                "CONTEXT:  COPY users, line 2",
            ]
        );
        assert_eq!(
            complaint("pg_dump", ""),
            ("it gave no reason".to_owned(), Vec::new())
        );
    }
}
