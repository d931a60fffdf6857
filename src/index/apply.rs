//! `index apply`: the database gets the indexes that are declared, one after the other, while everybody reads and writes.
//!
//! An index is no transaction, so there is none around them either: what is done stays, and the same command goes on
//! with the rest. After each round everything is compared again, so that what others did meanwhile, and what was found
//! half done, ends as it is declared.

mod step;
mod story;

use std::time::{Duration, Instant};

use serde::Serialize;

use super::build::Builder;
use super::declared::{Declared, Manner as Making, Wanted};
use super::difference::{Action, Difference, name_while_built};
use super::{look, status};
use crate::bookkeeping;
use crate::error::{Error, Hint, Result};
use crate::pg::{Db, RunContext, lock};
use crate::plan::{Consent, Event, Plan, Risk, counted, spent};
use step::step;
use story::{done, halted, told, unsettled};

/// What is wanted besides what is declared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Whether indexes that no file declares go.
    pub prune: bool,
}

/// What `index apply` needs to do its work.
#[derive(Debug)]
pub struct Work {
    declared: Declared,
    differences: Vec<Difference>,
    wish: Wish,
    left: usize,
}

/// One thing that was done.
#[derive(Debug, Serialize)]
pub struct Change {
    /// What.
    pub action: Action,
    /// To which index.
    pub name: String,
    /// Of which table.
    pub table: String,
    /// How large the index is now, in bytes; nothing if it is gone.
    pub size: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What `index apply` did.
#[derive(Debug, Serialize)]
pub struct Applied {
    /// Where the files are.
    pub source: String,
    /// What was done, in order.
    pub changes: Vec<Change>,
    /// How many indexes there are that no file declares and that go only with `--prune`.
    pub left: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How often everything is compared again before it is given up.
const ROUNDS: usize = 5;

impl Work {
    /// How many things differ that go only if everything that is not declared is to go.
    pub fn left(&self) -> usize {
        self.left
    }
}

/// What would be done.
pub async fn plan(db: &Db, declared: Declared, wish: Wish) -> Result<Plan<Work>> {
    db.require_session("building indexes")?;
    let (declared, differences, left) = compare(db, declared, wish).await?;
    if !differences.is_empty() {
        bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    }
    let risk = differences.iter().map(risk).max().unwrap_or(Risk::Mild);
    Ok(Plan {
        title: format!("apply {} of indexes", counted(differences.len(), "change")),
        risk,
        steps: differences.iter().map(step).collect(),
        work: Work {
            declared,
            differences,
            wish,
            left,
        },
    })
}

/// What differs and is to be changed, and how much differs besides.
async fn compare(
    db: &Db,
    declared: Declared,
    wish: Wish,
) -> Result<(Declared, Vec<Difference>, usize)> {
    let look = look::look(db, declared).await?;
    let (differences, others): (Vec<_>, Vec<_>) = status::differences(&look)?
        .into_iter()
        .partition(|difference| wish.prune || !difference.prune);
    Ok((look.declared, differences, others.len()))
}

/// How much it can hurt: an index that is replaced is dropped in the end, and building it again takes as long as it does.
fn risk(difference: &Difference) -> Risk {
    match difference.action {
        Action::Replace => Risk::Moderate,
        _ => difference.risk(),
    }
}

/// Does it. What changed since the plan was made and nobody agreed to is not done.
pub async fn apply(db: &Db, work: Work, _consent: Consent, run: RunContext<'_>) -> Result<Applied> {
    let start = Instant::now();
    let mut applied = Applied {
        source: work.declared.source.clone(),
        changes: Vec::new(),
        left: work.left,
        duration_ms: 0,
    };
    if !work.differences.is_empty() {
        lock::acquire(db, &lock::INDEX, run).await?;
        let pass = Run {
            db,
            planned: &work.differences,
            wish: work.wish,
            context: run,
            builder: Builder::new(db, run, "index apply", work.declared.search_path),
        };
        let done = Box::pin(pass.all(work.declared, &mut applied)).await;
        lock::end(db, &lock::INDEX, done).await?;
    }
    applied.duration_ms = millis(start.elapsed());
    Ok(applied)
}

/// Changes on their way.
struct Run<'a> {
    db: &'a Db,
    planned: &'a [Difference],
    wish: Wish,
    context: RunContext<'a>,
    builder: Builder<'a>,
}

impl Run<'_> {
    async fn all(&self, mut declared: Declared, applied: &mut Applied) -> Result<()> {
        for round in 0..ROUNDS {
            let (again, differences, left) = compare(self.db, declared, self.wish).await?;
            declared = again;
            applied.left = left;
            if differences.is_empty() {
                return Ok(());
            }
            self.refuse_unplanned(&differences, &applied.changes)?;
            if round + 1 == ROUNDS {
                return Err(unsettled(&differences, &applied.changes));
            }
            for (number, difference) in differences.iter().enumerate() {
                if let Err(error) = self.one(difference, applied).await {
                    return Err(halted(&error, &applied.changes, &differences[number..]));
                }
            }
        }
        Ok(())
    }

    /// One thing, and the word about it.
    async fn one(&self, difference: &Difference, applied: &mut Applied) -> Result<()> {
        let start = Instant::now();
        lock::verify(self.db).await?;
        self.builder.record(details(difference)).await?;
        if !self.carry_out(difference).await? {
            return Ok(());
        }
        let Difference {
            action,
            name,
            table,
            ..
        } = difference;
        let size = match action {
            Action::Drop => None,
            _ => self
                .builder
                .state(&table.schema, name)
                .await?
                .map(|state| state.size),
        };
        let time = start.elapsed();
        let numbers = [
            ("bytes", u64::try_from(size.unwrap_or(0)).unwrap_or(0)),
            ("duration_ms", millis(time)),
        ];
        let done = done(*action);
        self.context.progress.happened(&Event {
            event: done,
            object: name,
            numbers: if size.is_some() {
                &numbers
            } else {
                &numbers[1..]
            },
            message: None,
            line: format!("{done} {name} on {table} in {}", spent(time)),
        });
        applied.changes.push(Change {
            action: *action,
            name: name.clone(),
            table: table.title(),
            size,
            duration_ms: millis(time),
        });
        Ok(())
    }

    /// Whether it was done here. What turned out to be somebody else's work is looked at again.
    async fn carry_out(&self, difference: &Difference) -> Result<bool> {
        let Difference {
            action,
            table,
            name,
            from,
            wanted,
            ..
        } = difference;
        let builder = &self.builder;
        match (action, wanted) {
            (Action::Follow, _) => {
                if let Some(pid) = difference.pid {
                    builder.follow(pid, name).await?;
                }
                // A build that failed is not done.
                let state = builder.state(&table.schema, name).await?;
                Ok(state.is_some_and(|state| state.valid))
            }
            (Action::Drop, _) => {
                let there = builder.state(&table.schema, name).await?;
                // What was left of a partition's index may have found its place in that of the parent meanwhile.
                if there.is_none_or(|there| there.attached) {
                    return Ok(false);
                }
                builder.drop(&table.schema, name).await.map(|()| true)
            }
            (Action::Rename, _) => {
                if let Some(from) = from {
                    builder.rename(&table.schema, from, name).await?;
                }
                Ok(true)
            }
            (Action::Create | Action::Rebuild, Some(wanted)) => {
                self.build(difference, wanted, name).await
            }
            (Action::Replace, Some(wanted)) => {
                builder.require_replaceable(table, name).await?;
                let new = if let Some(from) = from {
                    from.clone()
                } else {
                    let new = name_while_built(name);
                    if !self.build(difference, wanted, &new).await? {
                        return Ok(false);
                    }
                    new
                };
                builder.swap(table, &new, name).await?;
                Ok(true)
            }
            (_, None) => Ok(false),
        }
    }

    async fn build(&self, difference: &Difference, wanted: &Wanted, name: &str) -> Result<bool> {
        let table = &difference.table;
        if difference.partitioned {
            let builder = &self.builder;
            builder
                .build_partitioned(wanted, table, name, &difference.name)
                .await?;
            return Ok(true);
        }
        let statement = wanted.create(Making::Concurrently, name, &table.sql());
        self.builder.build(name, table, &statement).await
    }

    /// What is dropped or replaced has to have been in the plan; what is half done may have come since.
    fn refuse_unplanned(&self, differences: &[Difference], done: &[Change]) -> Result<()> {
        let is_planned = |difference: &&Difference| {
            let planned = self.planned.iter().find(|planned| {
                (&planned.table, &planned.name) == (&difference.table, &difference.name)
            });
            match planned {
                Some(planned) => {
                    planned.action == difference.action || risk(difference) <= Risk::Mild
                }
                None => difference.action == Action::Drop && !difference.prune,
            }
        };
        let Some(new) = differences.iter().find(|new| !is_planned(new)) else {
            return Ok(());
        };
        let error = Error::refused("indexes of this database changed since the plan was shown")
            .note(format!(
                "to {} {} on {} was not in the plan",
                new.action.words(),
                new.name,
                new.table
            ));
        let error = told(error, done);
        Err(error.hint(Hint::again("run the same command again")).into())
    }
}

fn details(difference: &Difference) -> serde_json::Value {
    serde_json::json!({
        "change": difference.action,
        "index": difference.name,
        "table": difference.table.title(),
        "statement": difference.wanted.as_ref().map(|wanted| &wanted.statement),
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
