//! The policies a database has, and what they come to for one role.

use serde::Serialize;

use super::ability::{Ability, Asker, Privilege, Reach, Rows, ability};
use super::detached::Detached;
use crate::error::{Error, Result, nearest};
use crate::pg::policy::Policy;
use crate::pg::relation::{Named, Relation};
use crate::pg::{Db, Query};

/// All policies, in order of table and name.
#[derive(Debug, Serialize)]
pub struct Policies {
    /// An entry a policy.
    pub policies: Vec<Policy>,
    /// Those that are detached at the moment.
    pub detached: Vec<Detached>,
}

/// What a role can do.
#[derive(Debug, Serialize)]
pub struct Abilities {
    /// The role.
    pub role: String,
    /// Whether row-level security does not bind it.
    pub bypasses: bool,
    /// An entry a relation and command, and one for each function that runs with the rights of its owner.
    pub abilities: Vec<Ability>,
}

crate::row! {
    /// A role, and what another one has of it.
    pub struct Role {
        /// Its name.
        pub name: String,
        /// Whether row-level security does not bind it.
        pub bypasses: bool,
        /// Whether the other one has its rights.
        pub had: bool,
    }
}

crate::row! {
    /// A function that runs with the rights of its owner.
    pub struct Definer {
        /// Its schema.
        pub schema: String,
        /// Its name with the types it takes.
        pub name: String,
        /// Whose rights it has.
        pub owner: String,
    }
}

static ROLES: Query<Role> = crate::query!("policy/role");
static REACH: Query<Reach> = crate::query!("policy/reach");
static DEFINERS: Query<Definer> = crate::query!("policy/definers");

/// Reads them, all or those of one table; names are written as a person would who works in this database.
pub async fn list(db: &Db, table: Option<&Named>) -> Result<Policies> {
    let only = only(db, table).await?;
    let mut policies = Policy::read(db).await?;
    let mut detached = Detached::seen(db).await?;
    if let Some(only) = only {
        policies.retain(|policy| policy.on() == only);
        detached.retain(|detached| detached.because == only || detached.policy.on() == only);
    }
    Ok(Policies { policies, detached })
}

async fn only(db: &Db, table: Option<&Named>) -> Result<Option<Relation>> {
    match table {
        Some(named) => Ok(Some(named.among(&Relation::all(db).await?)?)),
        None => Ok(None),
    }
}

/// What this role can do, everywhere or to one table; an error that names the nearest if there is none of that name.
pub async fn list_as(db: &Db, role: &str, table: Option<&Named>) -> Result<Abilities> {
    let only = only(db, table).await?;
    let roles = db.all(&ROLES, &[&role]).await?;
    let Some(own) = roles.iter().find(|other| other.name == role) else {
        return Err(unknown(role, &roles));
    };
    let has: Vec<String> = roles
        .iter()
        .filter(|role| role.had)
        .map(|role| role.name.clone())
        .collect();
    let asker = Asker {
        has: &has,
        bypasses: own.bypasses,
    };
    let policies = Policy::read(db).await?;
    let reaches = db.all(&REACH, &[&role]).await?;
    let definers = match only {
        Some(_) => Vec::new(),
        None => db.all(&DEFINERS, &[&role]).await?,
    };
    let is_wanted = |reach: &&Reach| only.as_ref().is_none_or(|only| *only == reach.on());
    let mut abilities: Vec<Ability> = reaches
        .iter()
        .filter(is_wanted)
        .map(|reach| ability(reach, &policies, asker))
        .collect();
    abilities.extend(definers.into_iter().map(|function| Ability {
        relation: Relation::new(&function.schema, &function.name),
        kind: "function".to_owned(),
        command: "execute".to_owned(),
        privilege: Privilege::All,
        rows: Some(Rows::AsOwner(function.owner)),
        new_rows: None,
    }));
    Ok(Abilities {
        role: own.name.clone(),
        bypasses: own.bypasses,
        abilities,
    })
}

fn unknown(role: &str, roles: &[Role]) -> anyhow::Error {
    let names = || roles.iter().map(|role| role.name.as_str());
    let error = Error::failed(format!("there is no role {role} on this server"));
    let near = nearest(role, names());
    let hint = near.map_or_else(
        || format!("its roles are {}", names().collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean {near}?"),
    );
    error.hint(hint).into()
}
