//! What in a database belongs to roles that are not trusted: to evaluate what they wrote is to run their code.

use super::db::Db;
use super::query::Query;
use super::relation::Relation;
use crate::error::Result;

crate::row! {
    /// A relation of such a role, or that it has functions or domains in a schema.
    pub struct Stranger {
        /// The schema.
        pub schema: String,
        /// The relation; nothing for functions and domains.
        pub name: Option<String>,
        /// The role.
        pub owner: String,
    }
}

static STRANGERS: Query<Stranger> = crate::query!("trust/strangers");

impl Stranger {
    /// All there are.
    pub async fn all(db: &Db) -> Result<Vec<Self>> {
        db.all(&STRANGERS, &[]).await
    }

    /// Whose a relation is, if it is not to be trusted.
    pub fn owner_of<'a>(all: &'a [Self], relation: &Relation) -> Option<&'a str> {
        let is_it = |one: &&Self| {
            one.schema == relation.schema && one.name.as_ref() == Some(&relation.name)
        };
        all.iter().find(is_it).map(|one| one.owner.as_str())
    }
}

/// What is left out for it, for people.
pub fn not_trusted(what: &str, owner: &str) -> String {
    format!("{what}: it belongs to {owner}, whose code would be run to look at it")
}
