//! `migrate up`: what it would do, and doing it.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::diff::{self, Standing};
use super::engine::Work;
use super::file::Migration;
use super::history::History;
use super::lint::{Finding, Rule};
use super::mark::{self, Made};
use super::run::Run;
use super::runner::Ran;
use super::script::{Script, sets_modes};
use super::size::Sizes;
use super::source::Files;
use super::step::{self, Progressed};
use super::{check, preflight};
use crate::error::{self, Error, Result, command};
use crate::pg::relation::Named;
use crate::pg::{Db, Ident, RunContext, lock};
use crate::plan::{Consent, Effect, Event, Plan, Risk, Step, counted};

/// How much of what is pending is wanted, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// The last migration to apply; nothing for all.
    pub to: Option<i64>,
    /// Whether all of it is one transaction.
    pub one_transaction: bool,
}

/// What `migrate up` needs to do its work.
#[derive(Debug)]
pub struct Pending {
    /// Every migration of the source.
    pub all: Arc<[Migration]>,
    /// The versions still to be applied, as they were when the plan was made.
    pub versions: Vec<i64>,
    /// What is wanted.
    pub wish: Wish,
    /// How many are pending and not wanted now.
    pub left: usize,
    /// Where they come from, for people.
    pub source: String,
    /// Whether they are the program's own.
    pub is_embedded: bool,
    /// How large the tables are that they find.
    pub sizes: Sizes,
    /// The last version applied before.
    pub current: Option<String>,
    /// The environment to claim the database for; nothing if it is claimed, or nobody claims it.
    pub stamp: Option<String>,
    /// Whether our own schema is of an older version.
    pub outdated: bool,
    /// What there is to warn of besides the files that are pending.
    pub besides: Vec<Finding>,
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
    /// How many were left, because only those up to one were wanted.
    pub left: usize,
    /// The environment the database was stamped with; nothing if it had its stamp, or gets none.
    pub stamped: Option<String>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What `migrate up` would do. Everything that can be known to be wrong before it begins is an error here, and so is
/// what the rules in `denied` find in a pending file. `stamp` is the environment that claims a database which says of
/// none that it belongs to it.
pub async fn plan(
    db: &Db,
    files: Files,
    wish: Wish,
    stamp: Option<String>,
    denied: &[&'static Rule],
) -> Result<Plan<Pending>> {
    let history = History::read(db).await?;
    let Files {
        source,
        is_embedded,
        all,
        nested,
        ..
    } = files;
    let pending = settle(&all, &history, &source, wish)?;
    let mut applications = Vec::new();
    for migration in &pending {
        let directives = preflight::check(migration)?;
        if wish.one_transaction && pending.len() > 1 {
            may_share(migration)?;
        }
        let mut step = Step::new(Effect::Changes, "apply", &migration.path);
        if !directives.transaction {
            if wish.one_transaction {
                return Err(not_in_one(migration));
            }
            let detail = unfinished(&history, migration)?.map_or_else(
                || "without a transaction".to_owned(),
                |Progressed { done, total, .. }| {
                    format!("goes on with statement {} of {total}", done + 1)
                },
            );
            step = step.detail(detail);
        }
        if !directives.detached.is_empty() {
            let tables: Vec<String> = directives.detached.iter().map(Named::to_string).collect();
            let tables = tables.join(", ");
            step = step.detail(format!(
                "policies that use {tables} are taken off before and made again after it"
            ));
        }
        applications.push(step);
    }
    let versions: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
    check::refuse_denied(&all, &versions, denied)?;
    let ran = all.iter().filter(|file| history.has(file.version));
    let besides = ran.filter_map(preflight::ran_too_much);
    let besides = besides.chain(nested.map(Finding::from)).collect();
    // What is said of a large table need not be said of a small one. Whoever may not know says it anyway.
    let sizes = if versions.is_empty() || is_embedded {
        Sizes::default()
    } else {
        Sizes::estimate(db).await.unwrap_or_default()
    };
    let left = settle(&all, &history, &source, Wish::default())?.len() - versions.len();
    let mut steps: Vec<Step> = mark::upgrade(&history).into_iter().collect();
    let outdated = !steps.is_empty();
    // Without a migration to apply there may be nothing to stamp either.
    let stamp = stamp.filter(|_| history.bookkeeping.is_some() || !pending.is_empty());
    steps.extend(stamp.as_deref().map(mark::claim));
    let title = match (pending.len(), outdated) {
        (0, true) => "bring the bookkeeping up to date".to_owned(),
        (0, false) if stamp.is_some() => "stamp the database".to_owned(),
        (count, _) if wish.one_transaction => {
            format!("apply {} in one transaction", counted(count, "migration"))
        }
        (count, _) => format!("apply {}", counted(count, "migration")),
    };
    steps.extend(applications);
    let current = history.current();
    Ok(Plan {
        title,
        risk: Risk::Mild,
        steps,
        work: Pending {
            all: all.into(),
            versions,
            wish,
            left,
            source,
            is_embedded,
            sizes,
            current,
            stamp,
            outdated,
            besides,
        },
    })
}

/// What `migrate up` would do if it made the database first. What is wrong with the files is an error before there is
/// one.
pub fn plan_from_nothing(
    database: &str,
    files: &Files,
    wish: Wish,
    denied: &[&'static Rule],
) -> Result<Plan<()>> {
    let nothing = History {
        bookkeeping: None,
        rows: Vec::new(),
        begun: Vec::new(),
    };
    let pending = settle(&files.all, &nothing, &files.source, wish)?;
    let mut steps = vec![Step::new(
        Effect::Adds,
        "create",
        format!("the database {database}"),
    )];
    for migration in &pending {
        let directives = preflight::check(migration)?;
        if wish.one_transaction && !directives.transaction {
            return Err(not_in_one(migration));
        }
        if wish.one_transaction && pending.len() > 1 {
            may_share(migration)?;
        }
        steps.push(Step::new(Effect::Changes, "apply", &migration.path));
    }
    let versions: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
    check::refuse_denied(&files.all, &versions, denied)?;
    let count = counted(pending.len(), "migration");
    Ok(Plan {
        title: format!("create the database {database} and apply {count}"),
        risk: Risk::Mild,
        steps,
        work: (),
    })
}

/// Makes a database, from a session in another one of its server. That somebody else just did is fine.
pub async fn create_database(beside: &Db, name: &str, _consent: &Consent) -> Result<()> {
    let made = beside
        .script(&format!(
            "create database {} template template0",
            Ident(name)
        ))
        .await;
    match made {
        Err(error) if matches!(error::sqlstate(&error), Some("42P04" | "23505")) => Ok(()),
        other => other.map_err(|error| error.context(format!("cannot create the database {name}"))),
    }
}

/// Refuses a file that chooses what kind of transaction it is: the choice would be one for all.
fn may_share(migration: &Migration) -> Result<()> {
    let script = Script::of(migration.sql());
    if script.begin.is_none() && !script.all().any(|statement| sets_modes(&statement)) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} says what kind of transaction it is, and cannot share one",
        migration.file
    ))
    .note("nothing was changed")
    .hint("leave out `--one-transaction`")
    .into())
}

fn not_in_one(migration: &Migration) -> anyhow::Error {
    Error::refused(format!(
        "{} asks for no transaction, and `--one-transaction` for one",
        migration.path
    ))
    .unchanged()
    .hint("leave out `--one-transaction`, or stop before this migration with `--to`")
    .into()
}

/// How far a migration without a transaction came that is not at its end; nothing if it was not begun.
pub(super) fn unfinished(history: &History, migration: &Migration) -> Result<Option<Progressed>> {
    let steps = history.begun_of(migration.version);
    if steps.is_empty() {
        return Ok(None);
    }
    let progressed = step::progressed(&Work::of(migration), &steps);
    Ok(Some(progressed.map_err(|error| *error)?))
}

/// The migrations still to be applied, or the first thing that is wrong with files or history.
pub(super) fn settle<'a>(
    all: &'a [Migration],
    history: &History,
    source: &str,
    wish: Wish,
) -> Result<Vec<&'a Migration>> {
    let entries = diff::against(all, history);
    if let Some(problem) = diff::problem(&entries, all, source, history) {
        return Err(problem);
    }
    let pending: Vec<i64> = entries
        .iter()
        .filter(|entry| matches!(entry.standing, Standing::Pending | Standing::Unfinished))
        .map(|entry| entry.version)
        .filter(|version| wish.to.is_none_or(|to| *version <= to))
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
pub async fn up(db: &Db, work: Pending, _consent: Consent, run: RunContext<'_>) -> Result<Applied> {
    let start = Instant::now();
    let Pending {
        all,
        versions,
        wish,
        left,
        source,
        is_embedded: _,
        sizes: _,
        mut current,
        stamp,
        outdated,
        besides: _,
    } = work;
    let total = all.len();
    let mut applied = Vec::new();
    let mut upgraded = false;
    let mut stamped = None;
    if !versions.is_empty() || outdated || stamp.is_some() {
        lock::acquire(db, &lock::MIGRATE, run).await?;
        let history = History::read(db).await?;
        let pending = settle(&all, &history, &source, wish)?;
        if pending
            .iter()
            .any(|migration| !versions.contains(&migration.version))
        {
            return Err(Error::refused(
                "the history of this database changed since the plan was shown",
            )
            .unchanged()
            .hint(command("migrate status").hint("look at {}"))
            .hint(command("migrate up").hint("run {} again"))
            .into());
        }
        current = history.current();
        // Before the first migration: a database that turns out to be somebody else's gets none.
        Made { upgraded, stamped } =
            mark::ready(db, history.bookkeeping, stamp, "migrate up").await?;
        if pending.is_empty() {
            lock::release(db, &lock::MIGRATE).await?;
        } else {
            let pass = Run {
                all: &all,
                source: &source,
                wish,
                context: run,
            };
            applied = Box::pin(pass.all_of(db, pending, current.clone())).await?;
            current = applied.last().map(|ran| ran.migration.clone()).or(current);
        }
    }
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    run.progress.happened(&Event {
        event: "done",
        object: current.as_deref().unwrap_or_default(),
        numbers: &[
            ("applied", u64::try_from(applied.len()).unwrap_or(u64::MAX)),
            ("duration_ms", duration_ms),
        ],
        message: None,
        line: String::new(),
    });
    Ok(Applied {
        source,
        applied,
        current,
        total,
        left,
        stamped,
        upgraded,
        duration_ms,
    })
}
