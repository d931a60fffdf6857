//! Changes of the history that run no migration. Each leaves a row among the attempts, in the same statement.

use jiff::Timestamp;
use serde::Serialize;

use super::engine::KEPT;
use super::file::Migration;
use super::history::History;
use super::step::Step as Begun;
use crate::bookkeeping::{self, Stamping};
use crate::error::{Error, Kind, Result, command};
use crate::pg::{Db, Param, Query, RunContext, lock};
use crate::plan::{Effect, Step};

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
    /// What was there before us is taken over.
    Baseline,
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
            checksum: Some(file.checksum.to_string()),
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

/// What a database remembered when a plan was made.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    bookkeeping: Option<i32>,
    /// Number, name and checksum of what ran.
    rows: Vec<(i64, String, String)>,
    /// The statements of what is not at its end, if the plan is about them.
    steps: Vec<Begun>,
}

impl Seen {
    /// What these are.
    pub fn new(history: &History, steps: &[Begun]) -> Self {
        let rows = history.rows.iter();
        Self {
            bookkeeping: history.bookkeeping,
            rows: rows
                .map(|row| (row.version, row.name.clone(), row.checksum.clone()))
                .collect(),
            steps: steps.to_vec(),
        }
    }

    /// The version of our own schema; nothing if it was not there.
    pub fn bookkeeping(&self) -> Option<i32> {
        self.bookkeeping
    }

    /// Refuses to go on if it is not so any more: what was agreed to is about what was shown.
    pub async fn require(&self, db: &Db) -> Result<()> {
        let history = History::read(db).await?;
        let steps = if self.steps.is_empty() {
            &[]
        } else {
            history.begun.as_slice()
        };
        if Self::new(&history, steps) == *self {
            return Ok(());
        }
        Err(
            Error::refused("the history of this database changed since the plan was shown")
                .unchanged()
                .hint(command("migrate history").hint("look at {}, then run the command again"))
                .into(),
        )
    }
}

/// The step that brings our own schema up to date, if that is to be done.
pub fn upgrade(history: &History) -> Option<Step> {
    let version = i32::from(bookkeeping::VERSION);
    let is_older = history.bookkeeping.is_some_and(|found| found < version);
    is_older.then(|| {
        Step::new(
            Effect::Changes,
            "upgrade",
            format!("the schema toysoldiers to version {version}"),
        )
    })
}

/// The step that claims the database for an environment.
pub fn claim(environment: &str) -> Step {
    Step::new(Effect::Changes, "stamp", environment)
        .detail("from now on the database belongs to this environment")
}

/// Which command changes the history, and how it is carried out.
pub struct Marking<'a> {
    /// `migrate repair`
    pub command: &'static str,
    /// How.
    pub run: RunContext<'a>,
}

/// What was done besides.
#[derive(Debug, Default)]
pub struct Made {
    /// Whether our own schema was made or brought up to date.
    pub upgraded: bool,
    /// The environment the database was stamped with; nothing if it had its stamp, or gets none.
    pub stamped: Option<String>,
}

/// Makes the changes, all of them or none, if everything is still as it was seen. Without a change or a stamp it
/// does nothing at all.
pub async fn make(
    db: &Db,
    seen: &Seen,
    changes: &[Change],
    stamp: Option<String>,
    marking: &Marking<'_>,
) -> Result<Made> {
    if changes.is_empty() && stamp.is_none() {
        return Ok(Made::default());
    }
    lock::acquire(db, &lock::MIGRATE, marking.run).await?;
    seen.require(db).await?;
    let made = ready(db, seen.bookkeeping, stamp, marking.command).await?;
    if !changes.is_empty() {
        lock::verify(db).await?;
        write(db, changes).await?;
    }
    lock::release(db, &lock::MIGRATE).await?;
    Ok(made)
}

/// Brings our own schema up to date, which had this version, and stamps the database. The lock is ours.
pub(super) async fn ready(
    db: &Db,
    found: Option<i32>,
    stamp: Option<String>,
    command: &str,
) -> Result<Made> {
    let upgraded = bookkeeping::install(db, found).await? && found.is_some();
    let stamped = match stamp {
        None => None,
        Some(environment) => {
            let stamping = Stamping {
                environment: &environment,
                seen: None,
                command,
            };
            let stamped = bookkeeping::stamp(db, stamping).await?;
            stamped.then_some(environment)
        }
    };
    Ok(Made { upgraded, stamped })
}

async fn write(db: &Db, changes: &[Change]) -> Result<()> {
    let expected = changes
        .iter()
        .filter(|change| change.entry != Entry::Keep)
        .count();
    let document = serde_json::to_value(changes)
        .map_err(|error| Error::new(Kind::Bug, "a change cannot be written down").because(error))?;
    // As refinery writes it.
    let now = Timestamp::now().to_string();
    let params: [&dyn Param; 2] = [&document, &now];
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
