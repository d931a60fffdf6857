//! Mutants: policies weakened one at a time, to see whether the matrix notices.
//!
//! Each has a transaction of its own that is rolled back, so that its table is locked only while the matrix is asked.
//! A mutant under which no cell changes survives: the matrix does not tell the policy from a weaker one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::catalog::Catalog;
use super::{Asked, Identity, Matrix, Relation, ask};
use crate::error::{self, Error, Result};
use crate::pg::ident::Ident;
use crate::pg::policy::Policy;
use crate::pg::{Db, Param, Query};
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};

/// How long a table is waited for. Whoever comes later waits behind us.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often a table is tried for.
const TRIES: u32 = 20;

/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

crate::row! {
    /// A policy that can be weakened.
    pub struct Mutable {
        /// The schema of its table.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// Whether its check can refuse anything that privileges do not.
        pub checks: bool,
    }
}

crate::row! {
    /// A table with row-level security.
    pub struct Secured {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
    }
}

static MUTABLE: Query<Mutable> = crate::query!("matrix/mutable");
static SECURED: Query<Secured> = crate::query!("matrix/secured");

/// A policy weakened.
#[derive(Debug, Clone, Serialize)]
pub struct Mutant {
    /// The table, for people.
    pub table: String,
    /// The policy; nothing where it is about the whole table.
    pub policy: Option<String>,
    /// What was done to it.
    pub change: &'static str,
    /// Whether the matrix noticed.
    pub caught: bool,
    #[serde(skip)]
    relation: Relation,
    #[serde(skip)]
    sql: String,
}

/// The mutants of a database's policies, as something to agree to: each locks its table for a moment.
pub async fn plan(db: &Db, matrix: &Matrix) -> Result<Plan<Vec<Mutant>>> {
    let mutants = mutants(db, matrix).await?;
    let mut counts: BTreeMap<&Relation, (&str, usize)> = BTreeMap::new();
    for mutant in &mutants {
        let place = counts.entry(&mutant.relation);
        place.or_insert((&mutant.table, 0)).1 += 1;
    }
    let steps = counts.into_values().map(|(table, count)| {
        let times = match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        Step::new(Effect::Changes, "weaken", table)
            .detail(format!("{times}, each locked for a moment and rolled back"))
    });
    Ok(Plan {
        title: "weaken policies for a moment".to_owned(),
        risk: Risk::Mild,
        steps: steps.collect(),
        work: mutants,
    })
}

async fn mutants(db: &Db, matrix: &Matrix) -> Result<Vec<Mutant>> {
    let schemas = json!(matrix.schemas());
    let actors = matrix.actors.iter();
    let roles: Vec<&str> = actors.map(|actor| &*actor.role.text).collect();
    let roles = json!(roles);
    let of: [&dyn Param; 2] = [&schemas, &roles];
    let (policies, mutable, secured) = tokio::join!(
        Policy::read(db),
        db.all(&MUTABLE, &of),
        db.all(&SECURED, &of[..1])
    );
    let (policies, mutable) = (policies?, mutable?);
    let mut mutants = Vec::new();
    for policy in &policies {
        let same = |known: &&Mutable| {
            (&known.schema, &known.table, &known.name)
                == (&policy.schema, &policy.table, &policy.name)
        };
        if let Some(known) = mutable.iter().find(same) {
            mutants.extend(weaken(policy, known.checks));
        }
    }
    for table in secured? {
        let relation = Relation {
            schema: table.schema,
            name: table.name,
        };
        mutants.push(Mutant {
            table: relation.title(),
            policy: None,
            change: "row-level security off",
            caught: false,
            sql: format!("alter table {} disable row level security", relation.sql()),
            relation,
        });
    }
    Ok(mutants)
}

/// The ways in which a policy can be weaker. A permissive one that lets in everything cannot.
fn weaken(policy: &Policy, checks: bool) -> Vec<Mutant> {
    let relation = Relation {
        schema: policy.schema.clone(),
        name: policy.table.clone(),
    };
    let mutant = |change, sql| Mutant {
        table: relation.title(),
        policy: Some(policy.name.clone()),
        change,
        caught: false,
        relation: relation.clone(),
        sql,
    };
    let mut mutants = vec![mutant("dropped", policy.drop())];
    if !policy.permissive {
        return mutants;
    }
    let restricts = |expression: Option<&str>| expression.is_some_and(|text| text != "true");
    let (using, check) = (policy.using.as_deref(), policy.check.as_deref());
    let alter = format!(
        "alter policy {} on {}",
        Ident(&policy.name),
        policy.relation()
    );
    let has_check = policy.command != "select" && policy.command != "delete";
    if restricts(using) {
        let mut sql = format!("{alter} using (true)");
        // Without a check of its own a policy checks with what it uses.
        if has_check && let Some(kept) = check.or(using) {
            let _ = write!(sql, " with check ({kept})");
        }
        mutants.push(mutant("using (true)", sql));
    }
    if has_check && checks && restricts(check.or(using)) {
        mutants.push(mutant(
            "with check (true)",
            format!("{alter} with check (true)"),
        ));
    }
    mutants
}

/// Tries every mutant: whether a cell changes. Who asks is said by claims.
pub async fn run(
    db: &Db,
    matrix: &Matrix,
    mutants: Vec<Mutant>,
    progress: &dyn Progress,
    _consent: Consent,
) -> Result<Vec<Mutant>> {
    if mutants.is_empty() {
        return Ok(mutants);
    }
    let catalog = Catalog::read(db, matrix).await?;
    let proofs = ask::test(db, matrix, &[Identity::Claims], progress).await?;
    let before: Vec<Asked> = proofs.into_iter().flat_map(|proof| proof.cells).collect();
    let total = mutants.len();
    let mut tried = Vec::new();
    for (number, mut mutant) in mutants.into_iter().enumerate() {
        progress.working(&format!(
            "mutant {} of {total}: {}",
            number + 1,
            mutant.title()
        ));
        mutant.caught = caught(db, matrix, &catalog, &before, &mutant, progress).await?;
        tried.push(mutant);
    }
    Ok(tried)
}

impl Mutant {
    /// `content, own rows: dropped`
    fn title(&self) -> String {
        match &self.policy {
            Some(policy) => format!("{}, {policy}: {}", self.table, self.change),
            None => format!("{}: {}", self.table, self.change),
        }
    }
}

/// Whether a mutant is noticed. A table that is locked by others is tried for again and again.
async fn caught(
    db: &Db,
    matrix: &Matrix,
    catalog: &Catalog,
    before: &[Asked],
    mutant: &Mutant,
    progress: &dyn Progress,
) -> Result<bool> {
    let mut pause = PATIENCE;
    for attempt in 1.. {
        let outcome = try_once(db, matrix, catalog, before, mutant).await;
        let ended = db.script("rollback").await;
        match outcome {
            Err(failure) if attempt < TRIES && is_contention(&failure) => {
                progress.counting(&format!("{} waits for others", mutant.title()));
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE);
            }
            Err(failure) => {
                return Err(Error::failed(format!("cannot try {}", mutant.title()))
                    .after(&failure)
                    .note("nothing was kept")
                    .into());
            }
            Ok(caught) => {
                ended?;
                return Ok(caught);
            }
        }
    }
    Ok(false)
}

/// Asks first what is most likely to change.
async fn try_once(
    db: &Db,
    matrix: &Matrix,
    catalog: &Catalog,
    before: &[Asked],
    mutant: &Mutant,
) -> Result<bool> {
    db.script(&format!(
        "begin; set local lock_timeout = {}; {}",
        PATIENCE.as_millis(),
        mutant.sql
    ))
    .await?;
    let near = |number: &usize| {
        let table = matrix.probes[*number].table.as_ref();
        table.is_some_and(|(table, _)| *table == mutant.relation)
    };
    let (near, far): (Vec<usize>, Vec<usize>) = (0..matrix.probes.len()).partition(near);
    for probes in [near, far] {
        if probes.is_empty() {
            continue;
        }
        match ask::ask(db, matrix, catalog, Identity::Claims, &probes).await {
            Ok(cells) if cells.iter().any(|cell| has_changed(cell, matrix, before)) => {
                return Ok(true);
            }
            Ok(_) => {}
            // The rows could be made before, and whoever makes them no longer may.
            Err(failure) if error::sqlstate(&failure) == Some("42501") => return Ok(true),
            Err(failure) => return Err(failure),
        }
    }
    Ok(false)
}

fn has_changed(cell: &Asked, matrix: &Matrix, before: &[Asked]) -> bool {
    // The cells of a proof are complete and in order.
    let number = cell.probe * matrix.actors.len() + cell.actor;
    before
        .get(number)
        .is_none_or(|old| !old.found.is_like(&cell.found))
}

fn is_contention(failure: &anyhow::Error) -> bool {
    error::sqlstate(failure).is_some_and(|code| ["55P03", "40P01", "40001"].contains(&code))
}
