//! The program's own schema in a database, `toysoldiers`: the history of migrations and the audit log.
//!
//! It has a version of its own, apart from the platform's migrations. An older one is brought up to date by
//! `migrate up`; a newer one is refused, since an older program cannot know what it means.

use std::fmt::Write;

use crate::error::{self, Error, Result};
use crate::pg::ident::Literal;
use crate::pg::{Db, Query};

/// The schema of the version that this program writes, one script a version.
const STEPS: [&str; VERSION as usize] = [include_str!(
    "../database/bookkeeping/001_history_and_audit.sql"
)];

/// The version this program writes.
pub const VERSION: u8 = 1;

/// This program's version, for the record.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

crate::row! {
    /// The version of the schema in a database.
    pub struct Installed {
        /// From 1.
        pub version: i32,
    }
}

static INSTALLED: Query<Installed> = crate::query!("bookkeeping/version");

/// The version in this database; nothing if there is no such schema yet.
pub async fn installed(db: &Db) -> Result<Option<i32>> {
    absent_is_none(db.opt(&INSTALLED, &[]).await).map(|row| row.flatten().map(|row| row.version))
}

/// Turns "there is no such schema or table" into nothing.
pub fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error::sqlstate(&error), Some("42P01" | "3F000")) => Ok(None),
        other => other.map(Some),
    }
}

/// Refuses a database whose schema is newer than this program.
pub fn refuse_newer(version: i32) -> Result<()> {
    if version <= i32::from(VERSION) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "this database was served by a newer toysoldiers (its bookkeeping has version {version}, this program knows {VERSION})"
    ))
    .note("nothing was changed")
    .hint("update toysoldiers and try again")
    .into())
}

/// Requires the schema in exactly the version this program writes, for changes that leave a trace in it.
pub async fn require(db: &Db) -> Result<()> {
    match installed(db).await? {
        Some(version) if version == i32::from(VERSION) => Ok(()),
        Some(version) if version > i32::from(VERSION) => refuse_newer(version),
        Some(_) => Err(not_ready(
            "this database's bookkeeping is of an older version",
        )),
        None => Err(not_ready(
            "this database was not set up by toysoldiers: it cannot record who changed what",
        )),
    }
}

fn not_ready(message: &str) -> anyhow::Error {
    Error::refused(message)
        .note("nothing was changed")
        .hint("run `toysoldiers migrate up` first")
        .into()
}

/// Brings the schema from `from` to the version this program writes, in one transaction. The caller holds the
/// lock.
pub async fn install(db: &Db, from: Option<i32>) -> Result<()> {
    let done = usize::try_from(from.unwrap_or(0)).unwrap_or(0);
    if done >= STEPS.len() {
        return Ok(());
    }
    let mut script = format!(
        "begin;\nset local toysoldiers.tool_version = {};\n",
        Literal(TOOL_VERSION)
    );
    for step in &STEPS[done..] {
        script.push_str(step);
        script.push('\n');
    }
    let _ = write!(
        script,
        "insert into toysoldiers.installation (version) values ({VERSION}) \
         on conflict (singleton) do update set version = excluded.version, tool_version = excluded.tool_version;\ncommit;"
    );
    let installed = db.script(&script).await;
    if installed.is_err() {
        let _ = db.script("rollback").await;
    }
    installed.map_err(|error| {
        error.context("cannot make the schema toysoldiers, which remembers the migrations")
    })
}
