//! `policy apply`: everything that differs, in one transaction, proved before it is kept.
//!
//! The tables that policies change on are locked all at once, in order of their names, for as long as it takes and no
//! longer: an attempt waits a tenth of a second, gives up, and lets the others pass. Under the locks everything is
//! looked at again, changed, looked at once more, and asked of the matrix. What is not as declared after all of that
//! is not kept.

mod ended;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::compare::compare;
use super::declared::Declared;
use super::difference::Difference;
use super::found::{self, Found};
use super::look::{self, Look};
use super::matrix::tested::{Cell, Tested};
use super::matrix::{self, Identity, Matrix, Proof};
use super::right::Rights;
use super::status;
use crate::bookkeeping;
use crate::error::{self, Error, Kind, Result, command};
use crate::pg::attempt;
use crate::pg::db::ScriptFailure;
use crate::pg::session::{IN_CATALOG, SearchPath};
use crate::pg::{Db, RunContext, lock};
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};
use ended::{Disproved, Overtaken};

/// What is wanted besides what is declared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Whether policies and rights that no file declares go.
    pub prune: bool,
    /// Whether it is kept without asking the matrix.
    pub unproved: bool,
}

/// What `policy apply` needs to do its work.
#[derive(Debug)]
pub struct Work {
    look: Look,
    differences: Vec<Difference>,
    matrix: Option<Matrix>,
    wish: Wish,
    left: usize,
}

/// What `policy apply` did.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// Where the files are.
    pub source: String,
    /// Whether it was kept.
    pub kept: bool,
    /// What was done, or would have been.
    pub changes: Vec<Difference>,
    /// How many cells of the matrix were asked; nothing without a matrix.
    pub cells: Option<usize>,
    /// The cells that were not as they should be, for which nothing was kept.
    pub wrong: Vec<Cell>,
    /// How many things differ that go only with `--prune`.
    pub left: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What would be done.
pub async fn plan(
    db: &Db,
    declared: Declared,
    matrix: Option<Matrix>,
    wish: Wish,
) -> Result<Plan<Work>> {
    let look = look::look(db, declared).await?;
    let (differences, others): (Vec<_>, Vec<_>) = status::differences(&look)?
        .into_iter()
        .partition(|difference| wish.prune || !difference.prune);
    if !differences.is_empty() {
        bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    }
    let mut steps: Vec<Step> = differences.iter().map(Difference::step).collect();
    let risks = differences.iter().map(Difference::risk);
    let mut risk = risks.max().unwrap_or(Risk::Mild);
    if !steps.is_empty() {
        steps.push(match (&matrix, wish.unproved) {
            (Some(matrix), false) => {
                Step::new(Effect::Verifies, "prove", &matrix.path).detail(format!(
                    "{}; one that is wrong undoes it all",
                    counted(matrix.cells(), "cell")
                ))
            }
            (Some(matrix), true) => {
                risk = risk.max(Risk::Loosening);
                Step::new(Effect::Verifies, "leave unproved", &matrix.path)
            }
            (None, _) => Step::new(Effect::Verifies, "leave unproved", "what it comes to")
                .detail("there is no matrix.toml among the files"),
        });
    }
    Ok(Plan {
        title: format!(
            "apply {} of policies and rights",
            counted(differences.len(), "change")
        ),
        risk,
        steps,
        work: Work {
            look,
            differences,
            matrix: matrix.filter(|_| !wish.unproved),
            wish,
            left: others.len(),
        },
    })
}

/// Does it, if everything is still as it was when the plan was made.
pub async fn apply(db: &Db, work: Work, _consent: Consent, run: RunContext<'_>) -> Result<Applied> {
    let start = Instant::now();
    let mut applied = Applied {
        source: work.look.declared.source.clone(),
        kept: true,
        changes: Vec::new(),
        cells: None,
        wrong: Vec::new(),
        left: work.left,
        duration_ms: 0,
    };
    if !work.differences.is_empty() {
        lock::acquire(db, &lock::MIGRATE, run).await?;
        let one = async || Box::pin(once(db, &work, run.brief())).await;
        let what = "policy apply";
        let done = Box::pin(attempt::transact(db, what, run, one)).await;
        let released = lock::release(db, &lock::MIGRATE).await;
        match done {
            Ok(proof) => {
                released?;
                applied.cells = proof.map(|proof| proof.cells.len());
            }
            Err(error) => match error.downcast::<Disproved>() {
                Ok(Disproved(proof)) => {
                    applied.kept = false;
                    applied.cells = Some(proof.cells.len());
                    applied.wrong = wrong(&work, &proof);
                }
                Err(error) if error.is::<Overtaken>() => return Ok(applied),
                Err(error) => return Err(error),
            },
        }
        applied.changes = work.differences;
    }
    applied.duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(applied)
}

/// The statements. Names in what a file says are looked for where it says, and all others in the catalog.
pub fn statements(db: &Db, search_path: SearchPath, differences: &[Difference]) -> Vec<String> {
    let there = search_path.in_transaction(db.endpoint());
    let mut all = Vec::new();
    let mut is_there = false;
    for difference in differences {
        if difference.as_written != is_there {
            is_there = difference.as_written;
            all.push(if is_there {
                there.clone()
            } else {
                IN_CATALOG.to_owned()
            });
        }
        all.extend(difference.sql.iter().cloned());
    }
    if is_there {
        all.push(IN_CATALOG.to_owned());
    }
    all
}

fn wrong(work: &Work, proof: &Proof) -> Vec<Cell> {
    let Some(matrix) = &work.matrix else {
        return Vec::new();
    };
    let tested = Tested::of(matrix, std::slice::from_ref(proof), Vec::new());
    tested
        .cells
        .into_iter()
        .filter(|cell| !cell.right)
        .collect()
}

/// All of it, once, in the transaction that is open.
async fn once(db: &Db, work: &Work, within: Duration) -> Result<Option<Proof>> {
    lock::verify(db).await?;
    let search_path = work.look.declared.search_path;
    let statements = statements(db, search_path, &work.differences);
    let change = format!("{}\n;", statements.join("\n;\n"));
    // They travel together: the locks are held no longer than it takes.
    let (locked, before, changed, after, functions) = tokio::join!(
        lock_tables(db, work, within),
        look_aside(db),
        db.try_script(&change),
        look_aside(db),
        functions(db, &work.look),
    );
    locked?;
    let before = before?;
    if !before.is_same(&work.look.found) {
        return Err(others_were_faster(db, work, before).await);
    }
    changed.map_err(|failure| {
        let statement = statements.get(failure.completed);
        refused(statement.map_or("", String::as_str), failure)
    })?;
    settle(db, work, after?, functions?).await?;
    let proof = match &work.matrix {
        None => None,
        Some(matrix) => Some(matrix::prove(db, matrix, Identity::Claims).await?),
    };
    if let Some(proof) = proof.as_ref().filter(|proof| !proof.is_right()) {
        return Err(Disproved(proof.clone()).into());
    }
    let details = serde_json::json!({
        "source": work.look.declared.source,
        "changes": work.differences.iter().map(|difference| {
            format!("{} {} on {}", difference.action.words(), difference.object, difference.on)
        }).collect::<Vec<_>>(),
        "cells": proof.as_ref().map(|proof| proof.cells.len()),
        "prune": work.wish.prune,
    });
    lock::verify(db).await?;
    bookkeeping::audit(db, "policy apply", details).await?;
    Ok(proof)
}

/// Locks all tables on which policies change against everybody, or none. However many they are, no longer is waited
/// than for one.
async fn lock_tables(db: &Db, work: &Work, within: Duration) -> Result<()> {
    let tables: BTreeSet<String> = work
        .differences
        .iter()
        .filter_map(|difference| difference.locks.as_ref())
        .map(|table| format!("only {}", table.sql()))
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    let tables: Vec<String> = tables.into_iter().collect();
    let within = within.as_millis();
    let script = format!(
        "set local statement_timeout = {within}; lock table {} in access exclusive mode; set local statement_timeout = {}",
        tables.join(", "),
        LONG.as_millis()
    );
    db.script(&script).await.map_err(|error| {
        if error::sqlstate(&error) != Some("57014") {
            return error;
        }
        Error::new(Kind::Refused, "the tables could not all be locked in time")
            .sqlstate("55P03")
            .into()
    })
}

/// How long a statement may take while everybody waits.
const LONG: Duration = Duration::from_secs(10);

/// Reads everything, and leaves the search path as it was.
async fn look_aside(db: &Db) -> Result<Found> {
    let (begun, found, ended) = tokio::join!(
        db.script("savepoint look"),
        Found::read_here(db),
        db.script("rollback to savepoint look; release savepoint look"),
    );
    begun?;
    let found = found?;
    ended.map(|()| found)
}

/// Rights on the declared functions, in their order.
async fn functions(db: &Db, look: &Look) -> Result<Vec<Rights>> {
    let asked = look
        .functions
        .iter()
        .map(|function| found::function(db, function.number));
    let found = futures_util::future::try_join_all(asked).await?;
    Ok(found
        .into_iter()
        .map(|function| function.map(|(_, rights)| rights).unwrap_or_default())
        .collect())
}

/// Somebody changed something since the plan was made: if it is what was planned, there is nothing left to do.
async fn others_were_faster(db: &Db, work: &Work, found: Found) -> anyhow::Error {
    let again = async {
        db.script("rollback; begin").await?;
        functions(db, &work.look).await
    };
    let remaining = again
        .await
        .map(|functions| work.remaining(found, functions));
    match remaining {
        Ok(remaining) if remaining.is_empty() => Overtaken.into(),
        Ok(_) => {
            Error::refused("policies or rights of this database changed since the plan was shown")
                .unchanged()
                .hint(command("policy apply").hint("run {} again"))
                .into()
        }
        Err(error) => error,
    }
}

fn refused(statement: &str, failure: ScriptFailure) -> anyhow::Error {
    let cause = failure.explain();
    let first: Vec<&str> = statement.lines().take(3).map(str::trim_end).collect();
    Error::new(cause.kind, "the change was refused")
        .because(cause)
        .note(format!("the statement was: {}", first.join(" ")))
        .unchanged()
        .into()
}

impl Work {
    /// How many things differ that go only if everything that is not declared is to go.
    pub fn left(&self) -> usize {
        self.left
    }

    /// What would still have to be done.
    fn remaining(&self, found: Found, functions: Vec<Rights>) -> Vec<Difference> {
        let mut remaining = compare(&self.look.after(found, functions));
        remaining.retain(|difference| self.wish.prune || !difference.prune);
        remaining
    }
}

/// Everything has to be as declared now. What was taken from somebody is gone for those who had it from them, also
/// where it is to stay: it is given once more.
async fn settle(db: &Db, work: &Work, found: Found, functions_found: Vec<Rights>) -> Result<()> {
    let remaining = work.remaining(found, functions_found);
    if remaining.is_empty() {
        return Ok(());
    }
    let statements = statements(db, work.look.declared.search_path, &remaining);
    let change = format!("{}\n;", statements.join("\n;\n"));
    let (changed, found, functions) = tokio::join!(
        db.script(&change),
        look_aside(db),
        functions(db, &work.look),
    );
    changed?;
    let remaining = work.remaining(found?, functions?);
    if remaining.is_empty() {
        return Ok(());
    }
    let error = Error::failed("the database would not be as declared after all was done")
        .unchanged()
        .hint(
            "a right that another role passed on is taken back by that role, or with its grant option: `\\dp` in psql shows \
             who gave what after the slash",
        );
    let lines = remaining.iter().map(|difference| {
        let Difference { object, on, .. } = difference;
        format!(
            "still to do: {} {object} on {on}",
            difference.action.words()
        )
    });
    Err(lines.fold(error, Error::note).into())
}
