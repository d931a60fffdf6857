//! Migrations: numbered files of SQL, each applied once, in order.
//!
//! A migration and the row that remembers it are one transaction and one round trip. What ran is never guessed
//! at: a file that was edited, renamed, deleted or came late is an error that names it, before anything runs.
//! Deliberately absent here: taking a migration back without a file that says how, and running files that have no number.

pub mod baseline;
pub mod check;
pub mod comparison;
pub mod diff;
pub mod directive;
pub mod down;
pub mod file;
pub mod history;
pub mod import;
pub mod lint;
pub mod mark;
pub mod named;
pub mod new;
pub mod preflight;
pub mod repair;
mod runner;
pub mod source;
mod undoing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::bookkeeping::{self, Stamping};
use crate::error::{Error, Result};
use crate::pg::{Db, lock};
use crate::plan::{Consent, Plan, Progress, Risk, Step, counted};
use diff::Standing;
use file::Migration;
use history::History;
use lint::Rule;
pub use runner::{Limits, Ran};
pub use source::{Files, Source};

/// What `migrate up` needs to do its work.
#[derive(Debug)]
pub struct Pending {
    /// Every migration of the source.
    pub all: Arc<[Migration]>,
    /// The versions still to be applied, as they were when the plan was made.
    pub versions: Vec<i64>,
    /// Where they come from, for people.
    pub source: String,
    /// Whether they are the program's own.
    pub is_embedded: bool,
    /// The last version applied before.
    pub current: Option<String>,
    /// The environment to claim the database for; nothing if it is claimed, or nobody claims it.
    pub stamp: Option<String>,
    /// Whether our own schema is of an older version.
    pub outdated: bool,
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
    /// The environment the database was stamped with; nothing if it had its stamp, or gets none.
    pub stamped: Option<String>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
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
    let Files { source, all, .. } = files;
    let history = History::read(db).await?;
    Ok(Status {
        source,
        migrations: diff::compare(&all, &history.rows),
    })
}

/// What `migrate up` would do. Everything that can be known to be wrong before it begins is an error here, and so is
/// what the rules in `denied` find in a pending file. `stamp` is the environment that claims a database which says of
/// none that it belongs to it.
pub async fn plan(
    db: &Db,
    files: Files,
    stamp: Option<String>,
    denied: &[&'static Rule],
) -> Result<Plan<Pending>> {
    let Files {
        source,
        is_embedded,
        all,
        ..
    } = files;
    let history = History::read(db).await?;
    let pending = settle(&all, &history, &source)?;
    for migration in &pending {
        preflight::check(migration)?;
    }
    let versions: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
    check::refuse_denied(&all, &versions, denied)?;
    let mut steps = Vec::new();
    let version = i32::from(bookkeeping::VERSION);
    let outdated = history.bookkeeping.is_some_and(|found| found < version);
    if outdated {
        steps.push(Step::new(
            "upgrade",
            format!("the schema toysoldiers to version {version}"),
        ));
    }
    // Without a migration to apply there may be nothing to stamp either.
    let stamp = stamp.filter(|_| history.bookkeeping.is_some() || !pending.is_empty());
    if let Some(environment) = &stamp {
        steps.push(
            Step::new("stamp", environment)
                .detail("from now on the database belongs to this environment"),
        );
    }
    let title = match (pending.len(), outdated) {
        (0, true) => "bring the bookkeeping up to date".to_owned(),
        (0, false) if stamp.is_some() => "stamp the database".to_owned(),
        (count, _) => format!("apply {}", counted(count, "migration")),
    };
    steps.extend(
        pending
            .iter()
            .map(|migration| Step::new("apply", &migration.path)),
    );
    let current = history.current();
    Ok(Plan {
        title,
        risk: Risk::Mild,
        steps,
        work: Pending {
            all: all.into(),
            versions,
            source,
            is_embedded,
            current,
            stamp,
            outdated,
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
        is_embedded: _,
        mut current,
        stamp,
        outdated,
    } = work;
    let total = all.len();
    let mut applied = Vec::new();
    let mut upgraded = false;
    let mut stamped = None;
    if !versions.is_empty() || outdated || stamp.is_some() {
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
        current = history.current();
        upgraded =
            bookkeeping::install(db, history.bookkeeping).await? && history.bookkeeping.is_some();
        if let Some(environment) = stamp {
            // Before the first migration: a database that turns out to be somebody else's gets none.
            let stamping = Stamping {
                environment: &environment,
                seen: None,
                actor: &limits.actor,
                command: "migrate up",
            };
            stamped = bookkeeping::stamp(db, stamping)
                .await?
                .then_some(environment);
        }
        if !pending.is_empty() {
            applied = runner::run(db, &all, &pending, current.clone(), limits, progress).await?;
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
        stamped,
        upgraded,
        duration_ms,
    })
}
