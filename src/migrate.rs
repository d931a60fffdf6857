//! Migrations: numbered files of SQL, each applied once, in order.
//!
//! A migration and the row that remembers it are one transaction and one round trip. What ran is never guessed
//! at: a file that was edited, renamed, deleted or came late is an error that names it, before anything runs.
//! Deliberately absent here: rollbacks in place of a new migration, and running files that have no number.

pub mod diff;
pub mod file;
pub mod history;
pub mod new;
pub mod preflight;
mod runner;
pub mod source;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::bookkeeping;
use crate::error::{Error, Result};
use crate::pg::{Db, lock};
use crate::plan::{Consent, Plan, Progress, Risk, Step, counted};
use diff::Standing;
use file::Migration;
use history::History;
pub use runner::{Limits, Ran};
pub use source::{Files, Source};

/// What `migrate up` needs to do its work.
#[derive(Debug)]
pub struct Pending {
    /// Every migration of the source.
    pub all: Vec<Migration>,
    /// The versions still to be applied, as they were when the plan was made.
    pub versions: Vec<i64>,
    /// Where they come from, for people.
    pub source: String,
    /// The last version applied before.
    pub current: Option<String>,
}

/// What `migrate up` did.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// Where the migrations come from.
    pub source: String,
    /// The migrations applied by this run.
    pub applied: Vec<Ran>,
    /// The last migration applied, by this run or before.
    pub current: Option<String>,
    /// How many there are in all.
    pub total: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How the files and the history of a database compare.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Where the migrations come from.
    pub source: String,
    /// One entry a migration, in order.
    pub migrations: Vec<diff::Entry>,
}

impl Status {
    /// How many are applied, pending, and in trouble.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: Standing| {
            self.migrations
                .iter()
                .filter(|entry| entry.standing == wanted)
                .count()
        };
        let trouble = self
            .migrations
            .iter()
            .filter(|entry| entry.standing.is_problem())
            .count();
        (count(Standing::Applied), count(Standing::Pending), trouble)
    }

    /// Whether every migration is applied and as it was.
    pub fn is_settled(&self) -> bool {
        self.migrations
            .iter()
            .all(|entry| entry.standing == Standing::Applied)
    }
}

/// Compares files with history; writes nothing at all.
pub async fn status(db: &Db, files: Files) -> Result<Status> {
    let Files { source, all } = files;
    let history = History::read(db).await?;
    Ok(Status {
        source,
        migrations: diff::compare(&all, &history.rows),
    })
}

/// What `migrate up` would do. Everything that can be known to be wrong before it begins is an error here.
pub async fn plan(db: &Db, files: Files) -> Result<Plan<Pending>> {
    let Files { source, all } = files;
    let history = History::read(db).await?;
    let pending = settle(&all, &history, &source)?;
    for migration in &pending {
        preflight::check(migration)?;
    }
    let steps = pending
        .iter()
        .map(|migration| Step::new("apply", &migration.path))
        .collect::<Vec<_>>();
    let versions = pending.iter().map(|migration| migration.version).collect();
    let current = history.current();
    Ok(Plan {
        title: format!("apply {}", counted(steps.len(), "migration")),
        risk: Risk::Mild,
        steps,
        work: Pending {
            all,
            versions,
            source,
            current,
        },
    })
}

/// The migrations still to be applied, or the first thing that is wrong with files or history.
fn settle<'a>(all: &'a [Migration], history: &History, source: &str) -> Result<Vec<&'a Migration>> {
    let entries = diff::compare(all, &history.rows);
    if let Some(problem) = diff::problem(&entries, all, source) {
        return Err(problem);
    }
    let pending: Vec<i64> = entries
        .iter()
        .filter(|entry| entry.standing == Standing::Pending)
        .map(|entry| entry.version)
        .collect();
    Ok(all
        .iter()
        .filter(|migration| pending.contains(&migration.version))
        .collect())
}

/// Applies what is pending, one runner at a time.
///
/// The plan was made without the lock, so that nobody waits for a person to answer. Under the lock the history
/// is read again: another run may have done some or all of it by now.
pub async fn up(
    db: &Db,
    work: Pending,
    _consent: Consent,
    limits: &Limits,
    wait: Duration,
    progress: &dyn Progress,
) -> Result<Applied> {
    let start = Instant::now();
    let Pending {
        all,
        versions,
        source,
        mut current,
    } = work;
    let total = all.len();
    let mut applied = Vec::new();
    if !versions.is_empty() {
        lock::acquire(db, lock::MIGRATE, wait, progress).await?;
        let history = History::read(db).await?;
        let pending = settle(&all, &history, &source)?;
        if pending
            .iter()
            .any(|migration| !versions.contains(&migration.version))
        {
            return Err(Error::refused(
                "the history of this database changed since the plan was shown",
            )
            .note("nothing was changed")
            .hint("look at `toysoldiers migrate status` and run `toysoldiers migrate up` again")
            .into());
        }
        if pending.is_empty() {
            current = history.current();
        } else {
            bookkeeping::install(db, history.bookkeeping).await?;
            applied = runner::run(db, &all, &pending, history.current(), limits, progress).await?;
            current = applied.last().map(|ran| ran.migration.clone());
        }
        lock::release(db, lock::MIGRATE).await?;
    }
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Applied {
        source,
        applied,
        current,
        total,
        duration_ms,
    })
}
