//! `policy attach`: makes the policies again that were detached because of a relation.
//!
//! All of them or none: a policy that lets in without the one beside it that keeps out would open what was closed.
//! What cannot be made any more is told with its definition, and given up only by name.

use serde::Serialize;

use super::detach::{self, Count, Strange, changed, meant, nature, policies, title};
use super::detached::Detached;
use crate::bookkeeping;
use crate::error::{self, Error, Result, command, nearest, quoted};
use crate::pg::attempt::{self, Contended};
use crate::pg::policy::{Policy, Read};
use crate::pg::relation::{Named, Relation};
use crate::pg::{Db, Param, Query, RunContext, lock};
use crate::plan::{Consent, Effect, Plan, Risk, Step};

static ATTACH: Query<Count> = crate::query!("policy/attach");
static STRANGE: Query<Strange> = crate::query!("policy/strange_detached");

/// What is to be attached, as a person says it.
#[derive(Debug)]
pub struct Wish {
    /// The relation because of which policies are detached.
    pub relation: Named,
    /// Names of policies that are given up.
    pub forget: Vec<String>,
    /// Whether the environment is a protected one.
    pub protected: bool,
}

/// What `policy attach` needs to do its work.
#[derive(Debug)]
pub struct Work {
    relation: Relation,
    forget: Vec<String>,
    /// Those to be made, and those to be forgotten.
    attach: Vec<Detached>,
    forgotten: Vec<Detached>,
}

/// What `policy attach` did.
#[derive(Debug, Serialize)]
pub struct Done {
    /// The relation because of which they were detached.
    pub relation: Relation,
    /// The policies that are there again.
    pub attached: Vec<Policy>,
    /// Those that are remembered no longer: there is another of the name, or somebody gave them up.
    pub forgotten: Vec<Policy>,
}

/// What attaching would do.
pub async fn plan(db: &Db, wish: Wish) -> Result<Plan<Work>> {
    bookkeeping::require(db, bookkeeping::WITH_DETACHED).await?;
    let Wish {
        relation,
        forget,
        protected,
    } = wish;
    let all = Detached::read(db).await?;
    let relation = find(db, &relation, &all).await?;
    let there = Policy::read(db).await?;
    let Sorted { attach, forgotten } = sort(all, &relation, &there, &forget);
    require_same(&relation, &forget, &forgotten, &there)?;
    require_forgotten(&relation, &forget, &attach, &forgotten)?;
    require_trusted(db, &relation, &attach).await?;
    let mut steps = Vec::new();
    for Detached { policy, .. } in &forgotten {
        let why = if forget.contains(&policy.name) {
            "it is not made again, and its definition is lost"
        } else {
            "there is one of that name by now, which stays as it is"
        };
        let definition = policy.create().lines().map(str::to_owned).collect();
        let step = Step::new(
            Effect::Removes,
            "forget",
            format!("the detached {}", title(policy)),
        );
        steps.push(step.detail(why).lines(definition));
    }
    for Detached { policy, .. } in &attach {
        steps.push(Step::new(Effect::GrantsAccess, "create", title(policy)).detail(nature(policy)));
    }
    // Giving up what keeps out opens what was closed; giving up what lets in loses it.
    let gives_up = forgotten
        .iter()
        .any(|detached| forget.contains(&detached.policy.name));
    let name = relation.title();
    Ok(Plan {
        title: match (attach.len(), forgotten.len()) {
            (0, count) if count > 0 => format!("forget {} of {name}", policies(count)),
            (count, _) => format!("attach {} of {name}", policies(count)),
        },
        risk: match (gives_up, protected) {
            (true, true) => Risk::Severe,
            (true, false) => Risk::Moderate,
            (false, _) => Risk::Mild,
        },
        steps,
        work: Work {
            relation,
            forget,
            attach,
            forgotten,
        },
    })
}

/// A policy of the same name that says something else is no reason to give up what was kept.
fn require_same(
    relation: &Relation,
    forget: &[String],
    forgotten: &[Detached],
    there: &[Policy],
) -> Result<()> {
    let says = |policy: &Policy| {
        let Policy {
            command,
            permissive,
            roles,
            using,
            check,
            ..
        } = policy.clone();
        (command, permissive, roles, using, check)
    };
    let other = forgotten
        .iter()
        .filter(|detached| !forget.contains(&detached.policy.name))
        .find_map(|Detached { policy, .. }| {
            let made = there
                .iter()
                .find(|there| there.on() == policy.on() && there.name == policy.name)?;
            (says(made) != says(policy)).then_some((policy, made))
        });
    let Some((kept, made)) = other else {
        return Ok(());
    };
    Err(Error::refused(format!(
        "there is a {} by now that says something else",
        title(kept)
    ))
    .note(format!("detached was: {}", kept.create()))
    .note(format!("there is now: {}", made.create()))
    .unchanged()
    .hint("drop it to have the detached one again")
    .hint(
        command(format!(
            "policy attach {relation} --forget {}",
            quoted(&kept.name)
        ))
        .hint("or give that up with {}"),
    )
    .into())
}

/// Makes the policies again with what was said about them, and forgets that they were detached: all of it or nothing.
pub async fn attach(db: &Db, work: Work, _consent: Consent, run: RunContext<'_>) -> Result<Done> {
    let Work {
        relation,
        forget,
        attach,
        forgotten,
    } = work;
    if !attach.is_empty() || !forgotten.is_empty() {
        let what = format!("attaching policies of {}", relation.title());
        lock::acquire(db, &lock::MIGRATE, run).await?;
        let done = attempt::transact(db, &what, run, async || {
            let relations = Relation::all(db).await?;
            let tables = attach.iter().map(|detached| detached.policy.on());
            detach::lock_tables(db, tables.filter(|table| relations.contains(table))).await?;
            let now = sort(
                Detached::read(db).await?,
                &relation,
                &Policy::read(db).await?,
                &forget,
            );
            if now.ids() != (ids(&attach), ids(&forgotten)) {
                return Err(changed("policies"));
            }
            require_trusted(db, &relation, &attach).await?;
            for detached in &attach {
                make(db, &relation, &detached.policy).await?;
            }
            require_others(db, &relation, &attach).await?;
            let made = serde_json::to_value(ids(&attach))?;
            let gone = serde_json::to_value([ids(&attach), ids(&forgotten)].concat())?;
            let params: [&dyn Param; 4] = [&relation.schema, &relation.name, &gone, &made];
            db.one(&ATTACH, &params).await.map(drop)
        })
        .await;
        lock::end(db, &lock::MIGRATE, done).await?;
    }
    let policies = |rows: Vec<Detached>| rows.into_iter().map(|row| row.policy).collect();
    Ok(Done {
        relation,
        attached: policies(attach),
        forgotten: policies(forgotten),
    })
}

/// Refuses policies of roles that are not trusted, if making them runs the code of such roles.
async fn require_trusted(db: &Db, relation: &Relation, attach: &[Detached]) -> Result<()> {
    let policies = attach.iter().map(|detached| &detached.policy);
    let Some((policy, owner)) = detach::strange(db, &STRANGE, policies).await? else {
        return Ok(());
    };
    Err(detach::not_made_again(policy, &owner)
        .note(policy.create())
        .hint(
            command(format!(
                "policy attach {} --forget {}",
                relation.title(),
                quoted(&policy.name)
            ))
            .hint("give it up with {}"),
        )
        .hint(format!("have {owner} make it instead"))
        .into())
}

async fn make(db: &Db, relation: &Relation, policy: &Policy) -> Result<()> {
    let mut statements = policy.create();
    if let Some(comment) = &policy.comment {
        statements = format!("{statements};{}", policy.say(comment));
    }
    let made = db.script(&statements).await;
    made.map_err(|error| {
        if error.is_contention() {
            error
        } else {
            impossible(relation, policy, &error)
        }
    })
}

/// It was possible when the policy was detached, so what it relies on is gone.
fn impossible(relation: &Relation, policy: &Policy, error: &anyhow::Error) -> anyhow::Error {
    let kind = error::explain(error).kind;
    let told = Error::new(kind, format!("{} cannot be made again", title(policy))).after(error);
    told.note(policy.create())
        .note("nothing was changed; all of them are still detached")
        .hint(
            command("policy apply")
                .hint("declare it in database/policies as it has to be now, and run {}"),
        )
        .hint(
            command(format!(
                "policy attach {} --forget {}",
                relation.title(),
                quoted(&policy.name)
            ))
            .hint("then give up the detached one: {}"),
        )
        .into()
}

/// A policy is not made while others are gone that it was made to go with: those that keep out beside it, and those of
/// a table it reads, where it may let in whomever no row is found for.
async fn require_others(db: &Db, relation: &Relation, made: &[Detached]) -> Result<()> {
    let there = Policy::read(db).await?;
    let reads = Read::all(db).await?;
    let mut gone = Detached::read(db).await?;
    gone.retain(|row| row.because != *relation && !is_among(&row.policy, &there));
    for Detached { policy, .. } in made {
        let own = policy.on();
        let is_missed = |row: &&Detached| {
            let table = row.policy.on();
            let is_read = |read: &Read| read.is_of(policy) && read.relation() == table;
            if table == own {
                policy.permissive && !row.policy.permissive
            } else {
                reads.iter().any(is_read)
            }
        };
        if let Some(missed) = gone.iter().find(is_missed) {
            let because = missed.because.title();
            return Err(Error::refused(format!(
                "{} would let in more than it did: {} is detached because of {because}",
                title(policy),
                title(&missed.policy)
            ))
            .unchanged()
            .hint(command(format!("policy attach {because}")).hint("run {} first"))
            .hint(
                command("policy apply")
                    .hint("or declare all of them in database/policies, and run {}"),
            )
            .into());
        }
    }
    Ok(())
}

fn is_among(policy: &Policy, others: &[Policy]) -> bool {
    let mut others = others.iter();
    others.any(|other| other.on() == policy.on() && other.name == policy.name)
}

/// What becomes of detached policies.
struct Sorted {
    attach: Vec<Detached>,
    forgotten: Vec<Detached>,
}

impl Sorted {
    fn ids(&self) -> (Vec<i64>, Vec<i64>) {
        (ids(&self.attach), ids(&self.forgotten))
    }
}

fn ids(rows: &[Detached]) -> Vec<i64> {
    rows.iter().map(|row| row.id).collect()
}

fn sort(all: Vec<Detached>, relation: &Relation, there: &[Policy], forget: &[String]) -> Sorted {
    let of_relation = all.into_iter().filter(|row| row.because == *relation);
    let (forgotten, attach) = of_relation
        .partition(|row| is_among(&row.policy, there) || forget.contains(&row.policy.name));
    Sorted { attach, forgotten }
}

/// The relation that is meant: one because of which something is detached, which may be gone, else one that is there.
async fn find(db: &Db, named: &Named, detached: &[Detached]) -> Result<Relation> {
    let mut because: Vec<Relation> = detached.iter().map(|row| row.because.clone()).collect();
    because.sort();
    because.dedup();
    if let Ok(found) = named.among(&because) {
        return Ok(found);
    }
    because.extend(Relation::all(db).await?);
    because.sort();
    because.dedup();
    meant(named, &because)
}

fn require_forgotten(
    relation: &Relation,
    forget: &[String],
    attach: &[Detached],
    forgotten: &[Detached],
) -> Result<()> {
    let known: Vec<&str> = attach
        .iter()
        .chain(forgotten)
        .map(|row| row.policy.name.as_str())
        .collect();
    let Some(unknown) = forget.iter().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let title = relation.title();
    let error = Error::refused(format!(
        "no policy {unknown} is detached because of {title}"
    ))
    .unchanged();
    Err(match nearest(unknown, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None if known.is_empty() => error.hint("nothing is: leave out `--forget`"),
        None => error.hint(format!("these are: {}", known.join(", "))),
    }
    .into())
}
