//! psql itself, in our place: it gets in by the way we came, and is read-only where nobody agreed to changes.
//!
//! No child process on purpose: the terminal, Ctrl-C, job control and the exit code are psql's own. Read-only keeps
//! from accidents, not from intent: who types `set default_transaction_read_only = off` may write.

mod arguments;
mod start;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use serde::Serialize;
use serde_json::json;

use crate::bookkeeping;
use crate::error::{self, Error, Result};
use crate::pg::libpq::Passage;
use crate::pg::options;
use crate::pg::tools::Programs;
use crate::pg::{Db, Endpoint, Pooling};
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};
use crate::umask;
pub use arguments::{Arguments, refuse_address};

/// The name under which the server knows these sessions.
const APPLICATION_NAME: &str = "toysoldiers psql";

/// What keeps a session from writing.
const READ_ONLY: (&str, &str) = ("default_transaction_read_only", "on");

/// What psql does before it ends, instead of asking a person.
#[derive(Debug, Clone)]
pub enum Action {
    /// `-c`: SQL, or one of psql's own commands.
    Command(String),
    /// `-f`: a script; `-` is standard input.
    File(PathBuf),
}

/// Whether psql may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may not.
    ReadOnly,
    /// As much as the role may.
    ReadWrite,
}

/// What psql is wanted for.
#[derive(Debug)]
pub struct Call {
    /// What its prompt calls the environment.
    pub name: String,
    /// Whether it may write.
    pub access: Access,
    /// Whether the audit log is to tell that it was opened: what was asked for expressly.
    pub is_recorded: bool,
    /// What it does, in this order; nothing: it asks.
    pub actions: Vec<Action>,
    /// More of its own arguments.
    pub rest: Arguments,
    /// Settings for the session, besides.
    pub settings: Vec<(&'static str, String)>,
    /// The person's own start file, if one is named or there is a usual place for one.
    pub start_file: Option<PathBuf>,
}

/// How settings get into the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With the first message of every connection, also of those psql makes later.
    Options,
    /// By the start file, once: not every pooler takes settings with the first message.
    StartFile,
}

/// psql, about to start.
pub struct Ready {
    command: Command,
    /// Holds the files psql inherits.
    passage: Passage,
    /// The session that puts it on record, and what there is to say.
    record: Option<(Db, serde_json::Value)>,
    /// What the person should know beforehand.
    pub notice: Option<String>,
}

/// What is left of us once psql is there.
#[derive(Debug, Serialize)]
pub enum Gone {}

/// Prepares psql for the database of this session, which ends.
pub async fn plan(db: Db, call: Call, programs: &Programs) -> Result<Plan<Ready>> {
    let tool = programs.nearest("psql", db.server_major())?;
    let endpoint = db.endpoint().clone();
    let theirs = endpoint.options().settings.iter();
    let mut settings: Vec<(&str, &str)> = theirs
        .map(|setting| (setting.name.as_str(), setting.value.as_str()))
        .collect();
    let is_direct = *db.pooling() == Pooling::Direct;
    let record = if call.is_recorded {
        Some((db, call.details()))
    } else {
        db.close().await;
        None
    };
    // What is said here counts more than the address.
    if call.access == Access::ReadOnly {
        settings.push(READ_ONLY);
    }
    settings.extend(
        call.settings
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    let way = if settings.is_empty() || is_direct {
        Way::Options
    } else {
        way_through(&endpoint, call.access).await
    };
    if way == Way::StartFile && call.rest.without_start_file {
        return Err(unguarded(&endpoint, call.access).into());
    }
    let mut passage = Passage::to(&endpoint, APPLICATION_NAME)?;
    let mut command = Command::new(&tool.path);
    match way {
        Way::Options => {
            for (name, value) in &settings {
                passage.add_setting(name, value);
            }
            // Before PostgreSQL 15 it looks in the home of the account, whatever HOME says.
            if let (..15, Some(own)) = (tool.major, &call.start_file) {
                command.env("PSQLRC", own);
            }
        }
        Way::StartFile => {
            let own = call
                .start_file
                .as_deref()
                .and_then(|path| start::own(path, &tool.version));
            let file = passage.add_file(&start::file(&settings, own.as_deref()))?;
            command.env("PSQLRC", file);
        }
    }
    passage.show(&mut command);
    let label = call.label(way);
    // A start file of the person's that makes its own prompt comes later and wins; it may use the first of these.
    command.arg("-v").arg(format!("TOYSOLDIERS={label}"));
    command.args(["-v", "PROMPT1=%:TOYSOLDIERS: %/%R%x%# "]);
    for action in &call.actions {
        match action {
            Action::Command(text) => command.arg("-c").arg(text),
            Action::File(path) => command.arg("-f").arg(path),
        };
    }
    command.args(&call.rest.typed);
    let (title, risk, detail) = match call.access {
        Access::ReadOnly => ("open psql, read-only", Risk::Harmless, "read-only"),
        Access::ReadWrite => ("open psql for writing", Risk::Mild, "read and write"),
    };
    Ok(Plan {
        title: title.to_owned(),
        risk,
        steps: vec![
            Step::new(Effect::Changes, "run", tool.path.display().to_string()).detail(detail),
        ],
        work: Ready {
            notice: call.notice(way),
            command,
            passage,
            record,
        },
    })
}

/// Puts it on record, and makes psql of this process. Returns only if that fails.
pub async fn take_over(ready: Ready, _consent: Consent, progress: &dyn Progress) -> Result<Gone> {
    let Ready {
        mut command,
        passage,
        record,
        ..
    } = ready;
    if let Some((db, details)) = record {
        let recorded = bookkeeping::audit(&db, "psql", details).await;
        match bookkeeping::absent_is_none(recorded) {
            // There are roles that may write, and may not tell.
            Err(error) if matches!(error::sqlstate(&error), Some("42501" | "25006")) => {
                progress.warn("the audit log does not tell that psql was opened: this role may not write it here");
            }
            recorded => drop(recorded?),
        }
        db.close().await;
    }
    umask::restore();
    let error = command.exec();
    drop(passage);
    let program = command.get_program().to_string_lossy().into_owned();
    Err(Error::failed(format!("cannot run {program}"))
        .because(error)
        .into())
}

impl Call {
    /// What the audit log tells. What runs may hold what is nobody else's, so it tells scripts by name only.
    fn details(&self) -> serde_json::Value {
        let files = self.actions.iter().filter_map(|action| match action {
            Action::File(path) => Some(path.to_string_lossy()),
            Action::Command(_) => None,
        });
        let files: Vec<_> = files.collect();
        json!({ "files": files, "commands": self.actions.len() - files.len() })
    }

    /// What the prompt begins with. It must not promise what a new connection does not have.
    fn label(&self, way: Way) -> String {
        match (self.access, way) {
            (Access::ReadWrite, _) => self.name.clone(),
            (Access::ReadOnly, Way::Options) => format!("{} (read-only)", self.name),
            (Access::ReadOnly, Way::StartFile) => {
                format!("{} (read-only until reconnected)", self.name)
            }
        }
    }

    fn notice(&self, way: Way) -> Option<String> {
        if self.access == Access::ReadWrite {
            return None;
        }
        let limit = match way {
            Way::Options => "",
            Way::StartFile => {
                "\nbehind this pooler that ends with the connection: by `\\c`, or when psql makes a new one for a lost one"
            }
        };
        Some(format!(
            "psql is read-only, since this database is protected; `--write` opens it for changes{limit}"
        ))
    }
}

/// Finds out, by asking, whether what is in between takes settings along.
async fn way_through(endpoint: &Endpoint, access: Access) -> Way {
    // Only this setting is known to have arrived without another question; the others are no guard.
    if access == Access::ReadWrite {
        return Way::StartFile;
    }
    let (name, value) = READ_ONLY;
    let Ok(db) = Db::reach(&endpoint.with_startup(&options::word(name, value))).await else {
        return Way::StartFile;
    };
    let arrived = db.hello().is_some_and(|hello| hello.read_only);
    db.close().await;
    if arrived {
        Way::Options
    } else {
        Way::StartFile
    }
}

fn unguarded(endpoint: &Endpoint, access: Access) -> Error {
    let what = match access {
        Access::ReadOnly => "be read-only",
        Access::ReadWrite => "keep to the timeouts",
    };
    Error::refused(format!("with `-X` psql would not {what} here"))
        .note(format!(
            "{} is behind a pooler that takes no settings along; the start file makes them, and `-X` skips it",
            endpoint.describe()
        ))
        .note("psql was not started")
        .hint("leave out `-X`, or connect to the server itself")
}
