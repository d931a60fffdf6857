//! `policy detach`: takes the policies off that stand in the way of changing a relation, and keeps them.
//!
//! The server changes no column that a policy uses. Meanwhile row-level security stays on: whom the policies let in
//! sees nothing, and nobody sees more than before ([`affected`]). What is dropped is written into the
//! database in the same transaction, so that it can be made again whatever happens to whoever did it.

use serde::Serialize;

use super::affected::{self, Affected, Changed};
use super::detached::Detached;
use crate::bookkeeping;
use crate::error::{Error, Hint, Kind, Result, command, nearest};
use crate::pg::attempt;
use crate::pg::policy::{Policy, Read};
use crate::pg::relation::{Named, Relation};
use crate::pg::{Db, Param, Query, RunContext, lock};
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted_as};

crate::row! {
    /// How many.
    pub struct Count {
        /// That many.
        pub count: i64,
    }
}

static DETACH: Query<Count> = crate::query!("policy/detach");

/// What is to be changed, as a person names it.
#[derive(Debug)]
pub struct Wish {
    /// The relation.
    pub relation: Named,
    /// Columns of it; none for all of it.
    pub columns: Vec<String>,
    /// Whether the environment is a protected one.
    pub protected: bool,
}

/// What `policy detach` needs to do its work.
#[derive(Debug)]
pub struct Work {
    relation: Relation,
    columns: Vec<String>,
    affected: Vec<Affected>,
}

/// What `policy detach` did.
#[derive(Debug, Serialize)]
pub struct Done {
    /// The relation that can be changed now.
    pub relation: Relation,
    /// The policies that are gone until they are attached.
    pub detached: Vec<Policy>,
}

/// What detaching would do.
pub async fn plan(db: &Db, wish: Wish) -> Result<Plan<Work>> {
    bookkeeping::require(db, bookkeeping::WITH_DETACHED).await?;
    let Wish {
        relation,
        columns,
        protected,
    } = wish;
    let relation = meant(&relation, &Relation::all(db).await?)?;
    require_columns(&relation.columns(db).await?, &relation, &columns)?;
    let affected = find(db, &relation, &columns).await?;
    if let Some(Affected { policy, .. }) = affected.iter().find(|one| !one.policy.readable) {
        return Err(Error::refused(format!(
            "the {} is nested too deep, or too large, to be made again",
            title(policy)
        ))
        .unchanged()
        .hint("drop it")
        .into());
    }
    let policies_of = affected.iter().map(|affected| &affected.policy);
    if let Some((policy, owner)) = strange(db, &STRANGE, policies_of).await? {
        return Err(not_made_again(policy, &owner)
            .hint(format!(
                "have {owner} drop it, and make it again afterwards"
            ))
            .into());
    }
    let kept = Detached::read(db).await?;
    let mut steps: Vec<Step> = affected
        .iter()
        .map(|Affected { policy, why }| {
            let mut lines = Vec::new();
            if kept.iter().any(|kept| is_same(&kept.policy, policy)) {
                lines.push("an older one of this name, detached before, is forgotten".to_owned());
            }
            Step::new(Effect::Removes, "drop", title(policy))
                .detail(format!("{}; {why}", nature(policy)))
                .lines(lines)
        })
        .collect();
    if !steps.is_empty() {
        let keep = Step::new(Effect::Verifies, "keep", "row-level security as it is");
        steps.push(keep.detail(format!(
            "until {}, those bound by it see only what is left to them; nobody sees more, unless a policy that stays asks a function that reads it",
            command(format!("policy attach {}", relation.title()))
        )));
    }
    Ok(Plan {
        title: format!(
            "detach {} of {}",
            policies(affected.len()),
            relation.title()
        ),
        risk: if protected {
            Risk::Severe
        } else {
            Risk::Moderate
        },
        steps,
        work: Work {
            relation,
            columns,
            affected,
        },
    })
}

/// Drops the policies and keeps what makes them again: all of it or nothing.
pub async fn detach(db: &Db, work: Work, _consent: Consent, run: RunContext<'_>) -> Result<Done> {
    let Work {
        relation,
        columns,
        affected: planned,
    } = work;
    let detached: Vec<Policy> = planned.into_iter().map(|found| found.policy).collect();
    if !detached.is_empty() {
        let what = format!("detaching policies of {}", relation.title());
        lock::acquire(db, &lock::MIGRATE, run).await?;
        let done = attempt::transact(db, &what, run, async || {
            lock_tables(db, detached.iter().map(Policy::on)).await?;
            let now = find(db, &relation, &columns).await?;
            let same = now.len() == detached.len()
                && now
                    .iter()
                    .zip(&detached)
                    .all(|(now, then)| is_same(&now.policy, then));
            if !same {
                return Err(changed("policies"));
            }
            let now: Vec<&Policy> = now.iter().map(|found| &found.policy).collect();
            let kept = serde_json::to_value(&now)?;
            let params: [&dyn Param; 3] = [&relation.schema, &relation.name, &kept];
            db.one(&DETACH, &params).await?;
            let drops: Vec<String> = now.iter().map(|policy| policy.drop()).collect();
            db.script(&drops.join(";")).await
        })
        .await;
        lock::end(db, &lock::MIGRATE, done).await?;
    }
    Ok(Done { relation, detached })
}

crate::row! {
    /// A policy that runs the code of a role that is not trusted when it is made.
    pub struct Strange {
        /// The schema of its table.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// Whose it is.
        pub owner: String,
    }
}

static STRANGE: Query<Strange> = crate::query!("policy/strange");

/// The first of these policies that the query finds, and whose it is: a role that is not trusted, whose code is run when it
/// is made again.
pub(super) async fn strange<'a>(
    db: &Db,
    query: &Query<Strange>,
    policies: impl Iterator<Item = &'a Policy>,
) -> Result<Option<(&'a Policy, String)>> {
    let strange = db.all(query, &[]).await?;
    let owned = policies.filter_map(|policy| {
        let on = policy.on();
        let is_it = |one: &&Strange| {
            (&one.schema, &one.table, &one.name) == (&on.schema, &on.name, &policy.name)
        };
        let one = strange.iter().find(is_it)?;
        Some((policy, one.owner.clone()))
    });
    Ok({ owned }.next())
}

/// Why it is not.
pub(super) fn not_made_again(policy: &Policy, owner: &str) -> Error {
    Error::refused(format!(
        "the {} belongs to {owner}, whose code would be run to make it again",
        title(policy)
    ))
    .unchanged()
}

/// The relation that is meant.
pub(super) fn meant(named: &Named, relations: &[Relation]) -> Result<Relation> {
    named
        .among(relations)
        .map_err(|error| match error.downcast::<Error>() {
            Ok(mut error) => {
                error.kind = Kind::Refused;
                error.unchanged().into()
            }
            Err(error) => error,
        })
}

/// Locks tables as dropping and making their policies does, in the order of their names, so that two who do it never
/// wait for each other.
pub(super) async fn lock_tables(db: &Db, tables: impl Iterator<Item = Relation>) -> Result<()> {
    let mut tables: Vec<Relation> = tables.collect();
    tables.sort();
    tables.dedup();
    let locks: Vec<String> = tables
        .iter()
        .map(|table| format!("lock table only {} in access exclusive mode", table.sql()))
        .collect();
    db.script(&locks.join(";")).await
}

/// What somebody else did since the plan was shown is not what was agreed to.
pub(super) fn changed(what: &str) -> anyhow::Error {
    Error::refused(format!("the {what} changed since the plan was shown"))
        .unchanged()
        .hint(Hint::again(
            "run the same command again, and look at the new plan",
        ))
        .into()
}

async fn find(db: &Db, relation: &Relation, columns: &[String]) -> Result<Vec<Affected>> {
    let family = relation.family(db).await?;
    let policies = Policy::read(db).await?;
    let reads = Read::all(db).await?;
    let changed = Changed {
        family: &family,
        columns,
    };
    Ok(affected::affected(&policies, &reads, changed))
}

fn require_columns(known: &[String], relation: &Relation, wanted: &[String]) -> Result<()> {
    let Some(unknown) = wanted.iter().find(|wanted| !known.contains(wanted)) else {
        return Ok(());
    };
    let title = relation.title();
    let error = Error::refused(format!("{title} has no column {unknown}")).unchanged();
    Err(match nearest(unknown, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("its columns are {}", known.join(", "))),
    }
    .into())
}

fn is_same(one: &Policy, other: &Policy) -> bool {
    (&one.schema, &one.table, &one.name) == (&other.schema, &other.table, &other.name)
}

/// `policy content_read on content`
pub(super) fn title(policy: &Policy) -> String {
    format!("policy {} on {}", policy.name, policy.on().title())
}

/// `select for anon, authenticated`; what keeps out says so.
pub(super) fn nature(policy: &Policy) -> String {
    let restrictive = if policy.permissive {
        ""
    } else {
        "restrictive, "
    };
    format!(
        "{restrictive}{} for {}",
        policy.command,
        policy.roles.join(", ")
    )
}

/// `1 policy`, `2 policies`.
pub fn policies(count: usize) -> String {
    counted_as(count, "policy", "policies")
}
