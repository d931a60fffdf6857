//! How a database differs from the policy files.

use serde::Serialize;

use super::compare::compare;
use super::declared::Declared;
use super::detached::Detached;
use super::difference::Difference;
use super::look::{self, Look, is_of};
use super::recursion::Policies;
use crate::error::{Error, Result, command};
use crate::pg::Db;

/// What differs.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Where the files are.
    pub source: String,
    /// How many relations they are about.
    pub relations: usize,
    /// How many policies they declare.
    pub policies: usize,
    /// Whether the database is as declared.
    pub in_sync: bool,
    /// What would have to change.
    pub differences: Vec<Difference>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Compares; nothing is changed.
pub async fn status(db: &Db, declared: Declared) -> Result<Status> {
    let look = look::look(db, declared).await?;
    let differences = differences(&look)?;
    let mut notes = notes(&look);
    notes.extend(Detached::seen(db).await?.iter().map(taken_off));
    Ok(Status {
        source: look.declared.source.clone(),
        relations: look.declared.relations.len(),
        policies: look.desired.len(),
        in_sync: differences.is_empty(),
        notes,
        differences,
    })
}

/// What has to change, unless what is declared can never work.
pub fn differences(look: &Look) -> Result<Vec<Difference>> {
    refuse_circles(look)?;
    Ok(compare(look))
}

fn taken_off(detached: &Detached) -> String {
    let Detached {
        policy, because, ..
    } = detached;
    format!(
        "policy {} on {} is detached because of {because}: {} makes it again, and so does `policy apply` if a file \
         declares it",
        policy.name,
        policy.on(),
        command(format!("policy attach {because}"))
    )
}

fn notes(look: &Look) -> Vec<String> {
    let apart = look
        .desired
        .iter()
        .filter(|desired| desired.apart.is_some());
    apart
        .map(|desired| {
            let (name, table) = (&desired.policy.name, &desired.policy.table);
            format!(
                "policy {name} on {table} cannot be made on a twin of its table, so its expressions are compared as those \
                 of views: it hands on the whole row, or writes the schema before a column"
            )
        })
        .collect()
}

/// Policies that ask one another without end are refused before anybody runs into them.
fn refuse_circles(look: &Look) -> Result<()> {
    let is_on = |schema: &str, table: &str| {
        let declared = look.declared.relations.iter();
        let relations = look.found.relations.values();
        declared
            .filter(|wanted| wanted.enabled)
            .map(|wanted| (&wanted.relation.schema, &wanted.relation.name))
            .chain(
                relations
                    .filter(|relation| relation.enabled)
                    .map(|relation| (&relation.schema, &relation.name)),
            )
            .any(|(other_schema, other)| (other_schema.as_str(), other.as_str()) == (schema, table))
    };
    let declared = look.desired.iter().map(|desired| &desired.policy);
    let others = look.found.policies.iter().filter(|there| {
        let mut desired = look.desired.iter();
        !desired.any(|desired| is_of(&desired.policy, there))
    });
    let policies = Policies {
        all: declared
            .chain(others)
            .filter(|policy| is_on(&policy.schema, &policy.table))
            .collect(),
        references: &look.references,
        roles: &look.roles,
    };
    let Some(way) = policies.circle() else {
        return Ok(());
    };
    let ours = way.iter().find_map(|leg| {
        let wanted = look
            .declared
            .relations
            .iter()
            .find(|wanted| wanted.relation == leg.table)?;
        let policy = wanted
            .policies
            .iter()
            .find(|policy| policy.name == leg.policy)?;
        Some(look.declared.file_of(wanted).excerpt(&policy.place))
    });
    // What others made is theirs, and the audit tells of it.
    let Some(place) = ours else {
        return Ok(());
    };
    let way: Vec<String> = way
        .iter()
        .map(|leg| format!("{} on {} reads {}", leg.policy, leg.table, leg.reads))
        .collect();
    Err(Error::failed("policies ask one another without end (SQLSTATE 42P17)")
        .at(place)
        .note(way.join(", "))
        .unchanged()
        .hint("let one of them ask a SECURITY DEFINER function, as `(select app.current_creator_id())`")
        .into())
}
