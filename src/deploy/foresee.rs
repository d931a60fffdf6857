//! What each part would do, as far as it can be known before the parts before it are done.
//!
//! While migrations are pending, files about tables that are not there yet, or that make no sense yet, are left for
//! after them. What can be compared is compared, and may still change.

use std::collections::BTreeSet;

use super::Wish;
use super::agreed::Foreseen;
use super::files::Files;
use super::parts::Part;
use crate::error::{self, Kind, Result};
use crate::index;
use crate::pg::relation::Relation;
use crate::pg::{Db, Query};
use crate::plan::{Effect, Plan, Risk, Step, counted};
use crate::policy;
use crate::policy::matrix::Matrix;

crate::row! {
    /// A relation that is there.
    pub struct There {
        /// Its name as SQL writes it.
        pub name: String,
    }
}

static THERE: Query<There> = crate::query!("deploy/there");

/// What would be done about policies, all of it known.
pub(super) async fn policies(
    db: &Db,
    declared: &policy::declared::Declared,
    matrix: Option<&Matrix>,
    wish: Wish,
) -> Result<Plan<policy::apply::Work>> {
    let wish = policy::apply::Wish {
        prune: wish.prune,
        unproved: wish.unproved,
    };
    policy::apply::plan(db, declared.clone(), matrix.cloned(), wish).await
}

/// What would be done about indexes, all of it known.
pub(super) async fn indexes(
    db: &Db,
    declared: &index::declared::Declared,
    wish: Wish,
) -> Result<Plan<index::apply::Work>> {
    let wish = index::apply::Wish { prune: wish.prune };
    index::apply::plan(db, declared.clone(), wish).await
}

/// Which files can be compared before the migrations.
struct Sorted {
    now: Vec<usize>,
    later: Vec<usize>,
}

impl Sorted {
    /// By whether the relation is there that a file is about.
    fn of(relations: &[(usize, Relation)], there: &BTreeSet<String>) -> Self {
        let (now, later) = relations
            .iter()
            .partition(|(_, relation)| there.contains(&relation.sql()));
        let numbers =
            |part: Vec<&(usize, Relation)>| part.iter().map(|(number, _)| *number).collect();
        Self {
            now: numbers(now),
            later: numbers(later),
        }
    }

    /// Compares all that can be compared at once, or file by file if that fails.
    async fn compare(
        self,
        plan: impl AsyncFn(&[usize]) -> Result<(Vec<Step>, Risk)>,
    ) -> Result<(Vec<Step>, Risk, Vec<usize>)> {
        let Self { now, mut later } = self;
        if now.is_empty() {
            return Ok((Vec::new(), Risk::Mild, later));
        }
        match plan(&now).await {
            Ok((steps, risk)) => return Ok((steps, risk, later)),
            Err(error) if is_final(&error) => return Err(error),
            Err(_) => {}
        }
        let (mut steps, mut risk) = (Vec::new(), Risk::Mild);
        for number in now {
            match plan(&[number]).await {
                Ok((more, other)) => {
                    steps.extend(more);
                    risk = risk.max(other);
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => later.push(number),
            }
        }
        later.sort_unstable();
        Ok((steps, risk, later))
    }
}

/// Whether a failure has nothing to do with what is not there yet.
fn is_final(error: &anyhow::Error) -> bool {
    matches!(
        error::explain(error).kind,
        Kind::Unreachable | Kind::Interrupted
    ) || error::sqlstate(error) == Some("57014")
}

/// Which of the relations that files are about are there, by their names as SQL writes them.
async fn there(db: &Db, files: &Files) -> Result<BTreeSet<String>> {
    let policies = files
        .policies
        .relations
        .iter()
        .map(|wanted| &wanted.relation);
    let indexes = files.indexes.files.iter().map(|file| &file.table);
    let names: BTreeSet<String> = policies.chain(indexes).map(Relation::sql).collect();
    let names = serde_json::Value::from_iter(names);
    let found = db.all(&THERE, &[&names]).await?;
    Ok(found.into_iter().map(|there| there.name).collect())
}

/// What nothing more is known about.
fn after_migrations(noun: &str, path: &str) -> Step {
    Step::new(Effect::Changes, format!("apply {noun} of"), path).detail("after the migrations")
}

/// What would be done about policies and indexes after migrations that are pending.
pub(super) async fn after(db: &Db, files: &Files, wish: Wish) -> Result<[Foreseen; 2]> {
    let there = there(db, files).await?;
    Ok([
        policies_after(db, files, wish, &there).await?,
        indexes_after(db, files, wish, &there).await?,
    ])
}

async fn policies_after(
    db: &Db,
    files: &Files,
    wish: Wish,
    there: &BTreeSet<String>,
) -> Result<Foreseen> {
    let all = &files.policies;
    let relations: Vec<(usize, Relation)> = all
        .relations
        .iter()
        .map(|wanted| (wanted.file, wanted.relation.clone()))
        .collect();
    let mut sorted = Sorted::of(&relations, there);
    let functions: BTreeSet<usize> = all.functions.iter().map(|(file, _)| *file).collect();
    // Without a table there are hardly the functions.
    if sorted.now.is_empty() {
        sorted.later.extend(functions);
    } else {
        sorted.now.extend(functions);
    }
    let (mut steps, risk, later) = sorted
        .compare(async |numbers| {
            let mut some = all.clone();
            some.relations
                .retain(|wanted| numbers.contains(&wanted.file));
            some.functions.retain(|(file, _)| numbers.contains(file));
            let is_all = some.relations.len() == all.relations.len();
            let wish = Wish {
                // What others declare is not undeclared.
                prune: wish.prune && is_all,
                ..wish
            };
            let plan = Box::pin(policies(db, &some, files.matrix.as_ref(), wish)).await?;
            let steps = plan
                .steps
                .into_iter()
                .filter(|step| step.effect.is_change())
                .collect();
            Ok((steps, plan.risk))
        })
        .await?;
    steps.extend(
        later
            .iter()
            .map(|number| after_migrations("policies", &all.files[*number].path)),
    );
    if let (Some(matrix), false) = (&files.matrix, steps.is_empty()) {
        steps.push(if wish.unproved {
            Step::new(Effect::Verifies, "leave unproved", &matrix.path)
        } else {
            let cells = counted(matrix.cells(), "cell");
            Step::new(Effect::Verifies, "prove", &matrix.path).detail(format!(
                "{cells}; one that is wrong undoes what was done about policies"
            ))
        });
    }
    Ok(Foreseen {
        part: Part::Policies,
        steps,
        // A migration may change what policies come to, and then they let somebody in.
        risk: risk.max(Risk::Loosening),
        exact: false,
    })
}

async fn indexes_after(
    db: &Db,
    files: &Files,
    wish: Wish,
    there: &BTreeSet<String>,
) -> Result<Foreseen> {
    let all = &files.indexes;
    let tables: Vec<(usize, Relation)> = all
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| (number, file.table.clone()))
        .collect();
    let (mut steps, risk, later) = Sorted::of(&tables, there)
        .compare(async |numbers| {
            let mut some = all.clone();
            some.indexes
                .retain(|wanted| numbers.contains(&wanted.file_number));
            let wish = Wish {
                prune: wish.prune && numbers.len() == all.files.len(),
                ..wish
            };
            let plan = Box::pin(indexes(db, &some, wish)).await?;
            Ok((plan.steps, plan.risk))
        })
        .await?;
    steps.extend(
        later
            .iter()
            .map(|number| after_migrations("indexes", &all.files[*number].path)),
    );
    Ok(Foreseen {
        part: Part::Indexes,
        steps,
        risk,
        exact: false,
    })
}
