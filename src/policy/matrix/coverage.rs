//! What nobody asks: commands a role has the privilege for, on tables no probe tries them on.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use super::{Matrix, Relation};
use crate::error::Result;
use crate::pg::{Db, Param, Query};

crate::row! {
    /// A role that may do something.
    pub struct Privilege {
        /// The relation's schema.
        pub schema: String,
        /// The relation.
        pub name: String,
        /// What may be done.
        pub command: String,
        /// The role.
        pub role: String,
    }
}

static PRIVILEGES: Query<Privilege> = crate::query!("matrix/privileges");

/// A command that is tried by no probe, and whom it is open to.
#[derive(Debug, Serialize)]
pub struct Untested {
    /// The relation, for people.
    pub table: String,
    /// The command.
    pub command: String,
    /// The roles that have the privilege.
    pub roles: Vec<String>,
}

/// Every command that a role of the actors has the privilege for, on a relation of the schemas the matrix speaks of
/// or policies are in, and that no probe tries there. Every probe is put by every actor, so that one is enough.
pub async fn untested(db: &Db, matrix: &Matrix) -> Result<Vec<Untested>> {
    let actors = matrix.actors.iter();
    let roles: BTreeSet<&str> = actors.map(|actor| &*actor.role.text).collect();
    let (roles, schemas) = (json!(roles), json!(matrix.schemas()));
    let params: [&dyn Param; 2] = [&roles, &schemas];
    let privileges = db.all(&PRIVILEGES, &params).await?;
    let asked: BTreeSet<(&Relation, &str)> = matrix
        .probes
        .iter()
        .filter_map(|probe| Some((&probe.table.as_ref()?.0, probe.action.command())))
        .collect();
    let mut found: Vec<Untested> = Vec::new();
    for privilege in privileges {
        let table = Relation {
            schema: privilege.schema,
            name: privilege.name,
        };
        if asked.contains(&(&table, &privilege.command)) {
            continue;
        }
        let shown = table.title();
        match found.last_mut() {
            Some(last) if (&last.table, &last.command) == (&shown, &privilege.command) => {
                last.roles.push(privilege.role);
            }
            _ => found.push(Untested {
                table: shown,
                command: privilege.command,
                roles: vec![privilege.role],
            }),
        }
    }
    Ok(found)
}
