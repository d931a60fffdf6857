//! Where the password of an environment is: asked in one order, and only when a connection is really made.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::{Environ, Environment};
use crate::error::{self, Error, Result};
use crate::pg::endpoint::{Endpoint, Place, Surroundings};
use crate::pg::{passfile, service, shim};

/// How long a password command may take when nobody says: a person may have to put a finger on a key.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// More than any password has.
const LIMIT: usize = 64 * 1024;

/// How long to listen to what a password command left behind.
const LINGER: Duration = Duration::from_millis(100);

/// A program that prints the password.
#[derive(Debug, Clone)]
pub struct PasswordCommand {
    /// The program and its arguments; no shell is involved.
    pub words: Vec<String>,
    /// Where it runs: the folder of the file that names it, whatever the current one is.
    pub folder: PathBuf,
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

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(program) => write!(f, "password_command ({program})"),
            Self::Variable(variable) => write!(f, "the variable {variable}"),
            Self::Address => f.write_str("the address"),
            Self::Passfile(path) => write!(f, "{}", path.display()),
            Self::Service(name) => write!(f, "the service {name}, which PGSERVICE names"),
            Self::Standard => f.write_str("PGPASSWORD"),
            Self::Nobody => f.write_str("nobody"),
        }
    }
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
        };
        let by_hand = "run it by hand and see what it says; it has to print one line, the password";
        let cannot_start = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => failed("there is no such program".to_owned()).hint(
                "install it, or name it by its path; it is run in the folder of toysoldiers.toml",
            ),
            _ => failed(error::io_reason(&error)).hint(by_hand),
        };
        let (command, report) = shim::command(program).map_err(cannot_start)?;
        let mut child = Command::from(command)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot_start)?;
        let limit = if self.timeout.is_zero() {
            Duration::MAX
        } else {
            self.timeout
        };
        let line = match tokio::time::timeout(limit, listen(&mut child)).await {
            Ok(Ok((status, output))) => match report.failure() {
                Some(error) => return Err(cannot_start(error).into()),
                None => one_line(status, output),
            },
            Ok(Err(error)) => Err(error::io_reason(&error)),
            Err(_) => Err(format!(
                "it had not ended after {} s",
                self.timeout.as_secs_f32()
            )),
        };
        line.map_err(|reason| failed(reason).hint(by_hand).into())
    }
}

/// What a program prints until it ends, cut off where it is too much.
async fn listen(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut output = Vec::new();
    let mut ended = None;
    if let Some(mut stdout) = child.stdout.take() {
        while output.len() <= LIMIT {
            let reading = stdout.read_buf(&mut output);
            let count = if ended.is_none() {
                tokio::select! {
                    biased;
                    count = reading => count?,
                    status = child.wait() => {
                        ended = Some(status?);
                        continue;
                    }
                }
            } else {
                // What it left behind, an agent say, may hold its output open for as long as it likes.
                match tokio::time::timeout(LINGER, reading).await {
                    Ok(count) => count?,
                    Err(_) => break,
                }
            };
            if count == 0 {
                break;
            }
        }
    }
    if let Some(status) = ended {
        return Ok((status, output));
    }
    if output.len() > LIMIT {
        // It would go on writing, and never end.
        child.start_kill()?;
    }
    Ok((child.wait().await?, output))
}

/// The one line, or what is wrong.
fn one_line(status: ExitStatus, output: Vec<u8>) -> Result<SecretString, String> {
    if output.len() > LIMIT {
        return Err("it printed more than 64 KiB".to_owned());
    }
    if !status.success() {
        return Err(match status.code() {
            Some(code) => format!("it ended with exit code {code}"),
            None => "it was killed".to_owned(),
        });
    }
    let text = String::from_utf8(output).map_err(|_| "what it printed is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("it printed nothing".to_owned());
    }
    if line.contains('\n') {
        return Err("it printed more than one line".to_owned());
    }
    Ok(SecretString::from(line))
}
