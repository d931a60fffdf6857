//! `migrate dump`: the schema of a database as a file, for reading and for the history of the project.
//!
//! pg_dump writes it. The same schema gives the same file: who was granted what first, which version of pg_dump wrote it
//! and when leave no trace in it, and no secret does. Whether the file can be loaded depends on what is in the
//! database.

pub mod load;
mod text;

use std::path::PathBuf;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::pg::catalog::diff;
use crate::pg::tools::{Programs, Tool};
use crate::pg::{Db, Ident, Query, child};
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};
use crate::reading;
use crate::trust;
use load::Loaded;
use text::Settled;

crate::row! {
    /// A schema that is left out.
    pub struct Foreign {
        /// Its name.
        pub schema: String,
    }
}

crate::row! {
    /// A subscription to another server's publications.
    pub struct Subscription {
        /// Its name.
        pub name: String,
    }
}

static PLATFORM: Query<Foreign> = crate::query!("migrate/platform");

static SUBSCRIPTIONS: Query<Subscription> = crate::query!("migrate/subscriptions");

/// A file for the schema.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where it is.
    pub path: PathBuf,
    /// As a person would name it.
    pub shown: String,
}

/// A file to be written.
#[derive(Debug)]
pub struct Draft {
    place: Place,
    text: String,
    /// Whether it is another text than the file has.
    changed: bool,
}

/// A file that was written, or had no need to be.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Where it is.
    pub path: String,
    /// Whether it was another text before.
    pub changed: bool,
    /// How many lines it has.
    pub lines: usize,
}

/// How a file and a database compare.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// The file.
    pub path: String,
    /// Whether there is such a file.
    pub exists: bool,
    /// Whether it is what `migrate dump` would write.
    pub current: bool,
    /// The lines that differ: `- in the file`, `+ in the database`.
    pub difference: Vec<String>,
    /// What came of loading what `migrate dump` would write; nothing if that was not tried.
    pub loaded: Option<Loaded>,
}

impl Compared {
    /// Whether the file is as it should be, as far as that was looked at.
    pub fn is_fine(&self) -> bool {
        let fails = self
            .loaded
            .as_ref()
            .is_some_and(|loaded| !loaded.failures.is_empty());
        self.current && !fails
    }
}

/// A schema as text.
#[derive(Debug)]
pub struct Schema {
    /// What `migrate dump` writes.
    pub text: String,
    /// The schemas of the database that are not in it.
    pub left_out: Vec<String>,
}

/// The schema of a database. Needs the right to read every table. Secrets are left out, and that is told.
pub async fn read(db: &Db, programs: &Programs, progress: &dyn Progress) -> Result<Schema> {
    let tool = programs.for_server("pg_dump", db.server_major())?;
    let foreign = db.all(&PLATFORM, &[]).await?;
    let mut left_out = vec!["toysoldiers".to_owned()];
    left_out.extend(foreign.into_iter().map(|foreign| foreign.schema));
    let dump = run(&tool, db, &left_out).await.map_err(explained)?;
    let dump = String::from_utf8(dump).map_err(|error| {
        Error::failed("what pg_dump wrote is not UTF-8").because(error.utf8_error())
    })?;
    let Settled { text, masked } = text::settled(&dump).map_err(|flaw| {
        let line = dump[..flaw.offset].matches('\n').count() + 1;
        Error::failed(format!("cannot read line {line} of what pg_dump wrote"))
            .note("nothing was written: it may hold secrets")
    })?;
    for what in masked {
        progress.warn(&format!(
            "a secret is not in the schema: '***' stands for {what}"
        ));
    }
    for subscription in db.all(&SUBSCRIPTIONS, &[]).await? {
        progress.warn(&format!(
            "the subscription {} is not in the schema: it holds the way into another server",
            Ident(&subscription.name)
        ));
    }
    Ok(Schema { text, left_out })
}

async fn run(tool: &Tool, db: &Db, left_out: &[String]) -> Result<Vec<u8>, Error> {
    child::read_beside(db, tool, |command| {
        command
            .args(["--schema-only", "--no-owner", "--no-tablespaces"])
            .args(["--no-password", "--no-sync", "--encoding=UTF8"])
            // They belong to a server, not to a schema; and a database that has one cannot be dropped.
            .arg("--no-subscriptions")
            // It must not queue in front of everyone for long.
            .arg(format!(
                "--lock-wait-timeout={}",
                db.lock_timeout().as_millis()
            ));
        for schema in left_out {
            command.arg(format!("--exclude-schema={}", Ident(schema)));
        }
    })
    .await
}

fn explained(error: Error) -> anyhow::Error {
    let reason = std::error::Error::source(&error).map(ToString::to_string);
    let error = anyhow::Error::from(error.note("nothing was written"));
    if reason.is_some_and(|reason| reason.contains("permission denied")) {
        return Error::refused("this role may not read the whole schema")
            .after(&error)
            .hint("connect as the owner of the tables, or as a role that may read all of them: pg_dump locks each")
            .into();
    }
    error
}

/// What writing the schema into a file would do: nothing if it is there already.
pub fn plan(place: Place, text: String) -> Result<Plan<Draft>> {
    let old = existing(&place)?;
    let changed = old.as_ref() != Some(&text);
    let lines = text.lines().count();
    let step = Step::new(Effect::Changes, "write", &place.shown).detail(format!("{lines} lines"));
    Ok(Plan {
        title: "write the schema".to_owned(),
        risk: Risk::Harmless,
        steps: if changed { vec![step] } else { Vec::new() },
        work: Draft {
            place,
            text,
            changed,
        },
    })
}

/// Writes the file: whole or not at all, and not if it would be the same.
pub fn write(draft: Draft, _consent: Consent) -> Result<Written> {
    let Draft {
        place,
        text,
        changed,
    } = draft;
    if changed {
        let cannot = |error: std::io::Error| {
            Error::failed(format!("cannot write {}", place.shown))
                .because(error)
                .hint("name another file with `--file`")
        };
        // It is to be committed.
        trust::replace(&place.path, text.as_bytes()).map_err(cannot)?;
    }
    Ok(Written {
        path: place.shown,
        changed,
        lines: text.lines().count(),
    })
}

/// Compares a file with the schema.
pub fn check(place: Place, text: &str, loaded: Option<Loaded>) -> Result<Compared> {
    let old = existing(&place)?;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<String>>();
    let current = old.as_deref() == Some(text);
    let difference = match &old {
        Some(old) if !current => diff::changes(&lines(old), &lines(text)),
        _ => Vec::new(),
    };
    Ok(Compared {
        path: place.shown,
        exists: old.is_some(),
        current,
        difference,
        loaded,
    })
}

/// What is in the file, if there is one. A carriage return is an editor's or a checkout's doing.
fn existing(place: &Place) -> Result<Option<String>> {
    match reading::bytes(&place.path, u64::MAX) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::failed(format!("cannot read {}", place.shown))
            .because(error)
            .hint("name another file with `--file`")
            .into()),
    }
}
