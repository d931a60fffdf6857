//! Changes of the history that run no migration. Each leaves a row among the attempts, in the same statement.

use jiff::Timestamp;
use serde::Serialize;

use super::file::Migration;
use crate::bookkeeping::TOOL_VERSION;
use crate::error::{Error, Kind, Result};
use crate::pg::{Db, Param, Query};

/// A longer text is not kept.
const KEPT: usize = 4 << 20;

crate::row! {
    /// How much was written.
    pub struct Written {
        /// Rows of the history that were added, altered or removed.
        pub entries: i64,
    }
}

static MARK: Query<Written> = crate::query!("migrate/mark");

/// What becomes of a migration's row in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// There is one from now on.
    Add,
    /// It gets another name and another checksum.
    Alter,
    /// It is there no more.
    Remove,
    /// Nothing.
    Keep,
}

/// Why the history is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// What does not fit is made to.
    Repair,
}

/// A change of what the database remembers of one migration.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Its number.
    pub version: i64,
    /// Its description from now on.
    pub name: String,
    /// What becomes of its row.
    pub entry: Entry,
    /// Whether its statements that ran one by one are forgotten.
    pub forget: bool,
    /// Its checksum from now on.
    checksum: Option<String>,
    /// Its text from now on.
    sql: Option<String>,
    action: Action,
    message: String,
}

impl Change {
    /// The history says of this file from now on that it ran.
    pub fn to(file: &Migration, entry: Entry, action: Action, message: impl Into<String>) -> Self {
        Self {
            version: file.version,
            name: file.name.clone(),
            entry,
            forget: false,
            checksum: Some(file.refined.checksum().to_string()),
            sql: Some(file.sql())
                .filter(|sql| sql.len() <= KEPT)
                .map(str::to_owned),
            action,
            message: message.into(),
        }
    }

    /// The history says of this migration from now on that it did not run.
    pub fn away(version: i64, name: &str, entry: Entry, message: impl Into<String>) -> Self {
        Self {
            version,
            name: name.to_owned(),
            entry,
            forget: true,
            checksum: None,
            sql: None,
            action: Action::Repair,
            message: message.into(),
        }
    }

    /// The statements that ran one by one are forgotten too.
    #[must_use]
    pub fn forgetting(mut self) -> Self {
        self.forget = true;
        self
    }
}

/// Makes the changes, all of them or none. The caller holds the lock and has looked at what is there.
pub async fn write(db: &Db, changes: &[Change], actor: &str) -> Result<()> {
    let expected = changes
        .iter()
        .filter(|change| change.entry != Entry::Keep)
        .count();
    let document = serde_json::to_value(changes)
        .map_err(|error| Error::new(Kind::Bug, "a change cannot be written down").because(error))?;
    // As refinery writes it.
    let now = Timestamp::now().to_string();
    let params: [&dyn Param; 4] = [&document, &now, &actor, &TOOL_VERSION];
    let written = db.one(&MARK, &params).await?;
    if usize::try_from(written.entries) == Ok(expected) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Bug,
        "the history is not as it was when it was looked at",
    )
    .note(format!(
        "{} of {expected} changes were made",
        written.entries
    ))
    .into())
}
