//! Where the password of an environment is: asked in one order, and only when a connection is really made.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{Environ, Environment};
use crate::error::{Error, Result};
use crate::pg::endpoint::{Endpoint, Place, Surroundings};
use crate::pg::{passfile, service};

/// How long a password command may take when nobody says: a person may have to put a finger on a key.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// More than any password has.
const LIMIT: usize = 64 * 1024;

/// A program that prints the password.
#[derive(Debug, Clone)]
pub struct PasswordCommand {
    /// The program and its arguments; no shell is involved.
    pub words: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Who knows the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `password_command`
    Command(String),
    /// `password_env`
    Variable(String),
    /// The address itself.
    Address,
    /// A file of passwords, `~/.pgpass` or another.
    Passfile(PathBuf),
    /// The section of `pg_service.conf` that `PGSERVICE` names.
    Service(String),
    /// `PGPASSWORD`
    Standard,
    /// Nobody; who connects may be asked.
    Nobody,
}

/// What was found without running anything.
#[derive(Debug)]
pub struct Stored {
    /// Who knows it.
    pub source: Source,
    /// The password, unless a command has to be run for it or nobody knows it.
    pub password: Option<SecretString>,
    /// What is wrong with places that were looked at.
    pub warnings: Vec<String>,
}

impl Environment {
    /// Looks for the password of this place, the first source that has one wins; runs no program.
    pub fn stored_password(
        &self,
        endpoint: &Endpoint,
        place: &Place,
        environ: &Environ,
        around: &Surroundings,
    ) -> Result<Stored> {
        let mut warnings = Vec::new();
        let mut found = |source, password| {
            Ok(Stored {
                source,
                password,
                warnings: std::mem::take(&mut warnings),
            })
        };
        if let Some(command) = &self.password_command {
            let program = command.words.first().cloned().unwrap_or_default();
            return found(Source::Command(program), None);
        }
        if let Some(variable) = &self.password_env {
            return match environ.secret(variable)? {
                Some(password) => found(Source::Variable(variable.clone()), Some(password)),
                None => Err(Error::configuration(format!(
                    "{variable}, which holds the password of {}, is not set",
                    self.name
                ))
                .hint(format!("set it: `export {variable}=...`"))
                .into()),
            };
        }
        if let Some(password) = endpoint.password() {
            return found(Source::Address, Some(password.clone()));
        }
        if let Some((path, named)) = passfile_of(endpoint, environ, around) {
            let user = endpoint.user().unwrap_or_default();
            let looked = passfile::lookup(&path, named, place, endpoint.database(), user);
            warnings.extend(looked.warning);
            if let Some(password) = looked.password {
                return Ok(Stored {
                    source: Source::Passfile(path),
                    password: Some(password),
                    warnings,
                });
            }
        }
        if let Some(name) = environ.get("PGSERVICE")?
            && let Some(password) = service::password_of(&name, around, endpoint)?
        {
            return Ok(Stored {
                source: Source::Service(name),
                password: Some(password),
                warnings,
            });
        }
        let password = environ.secret("PGPASSWORD")?;
        Ok(Stored {
            source: if password.is_some() {
                Source::Standard
            } else {
                Source::Nobody
            },
            password,
            warnings,
        })
    }
}

/// The file of passwords, and whether somebody named it.
fn passfile_of(
    endpoint: &Endpoint,
    environ: &Environ,
    around: &Surroundings,
) -> Option<(PathBuf, bool)> {
    let named = endpoint
        .passfile()
        .map(Path::to_owned)
        .or_else(|| environ.path("PGPASSFILE"));
    match named {
        Some(path) => Some((path, true)),
        None => Some((around.home.as_ref()?.join(".pgpass"), false)),
    }
}

impl PasswordCommand {
    /// Runs it, and takes the one line it prints. What it has to say goes to our stderr, so that a person can
    /// answer it; our input is not its business.
    pub async fn run(&self, environment: &str) -> Result<SecretString> {
        let (program, arguments) = self.words.split_first().ok_or_else(|| {
            Error::configuration(format!("the password_command of {environment} is empty"))
                .hint("write it as a list: password_command = [\"pass\", \"show\", \"db\"]")
        })?;
        let failed = |reason: String| {
            Error::configuration(format!(
                "the password_command of {environment}, {program}, gave no password"
            ))
            .because(Error::configuration(reason))
            .hint("run it by hand and see what it says; it has to print one line, the password")
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => failed("there is no such program".to_owned()),
                _ => failed(error.to_string()),
            })?;
        let mut output = Vec::new();
        let work = async {
            if let Some(stdout) = child.stdout.take() {
                let mut stdout = stdout.take(LIMIT as u64 + 1);
                stdout.read_to_end(&mut output).await?;
            }
            // A program that goes on writing would never end.
            if output.len() > LIMIT {
                child.start_kill()?;
            }
            child.wait().await
        };
        let status = match tokio::time::timeout(self.timeout, work).await {
            Ok(status) => status.map_err(|error| failed(error.to_string()))?,
            Err(_) => {
                return Err(failed(format!(
                    "it had not ended after {} s",
                    self.timeout.as_secs_f32()
                ))
                .into());
            }
        };
        if output.len() > LIMIT {
            return Err(failed("it printed more than 64 KiB".to_owned()).into());
        }
        if !status.success() {
            return Err(failed(match status.code() {
                Some(code) => format!("it ended with exit code {code}"),
                None => "it was killed".to_owned(),
            })
            .into());
        }
        let text = String::from_utf8(output)
            .map_err(|_| failed("what it printed is not UTF-8".to_owned()))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(failed("it printed nothing".to_owned()).into());
        }
        if line.contains('\n') {
            return Err(failed("it printed more than one line".to_owned()).into());
        }
        Ok(SecretString::from(line))
    }
}
