//! What a database has of what policy files speak of.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::right::{Right, Rights};
use super::statement::Relation;
use crate::error::Result;
use crate::pg::policy::Policy;
use crate::pg::session::{IN_CATALOG, SearchPath};
use crate::pg::{Db, Query};

crate::row! {
    /// A relation.
    pub struct FoundRelation {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// `table`, `view`, `materialized view`, `foreign table`, `sequence`.
        pub kind: String,
        /// Whether row-level security is on.
        pub enabled: bool,
        /// Whether it is on for the owner as well.
        pub forced: bool,
        /// What is set for it: `security_barrier=true`.
        pub options: Vec<String>,
        /// Its columns.
        pub columns: Vec<String>,
    }
}

impl FoundRelation {
    /// Whether this is on.
    pub fn has_option(&self, name: &str) -> bool {
        let value = self
            .options
            .iter()
            .find_map(|option| option.strip_prefix(name)?.strip_prefix('='));
        matches!(value, Some("true" | "on" | "yes" | "1"))
    }
}

crate::row! {
    /// A right of a role on a relation.
    pub struct FoundRight {
        /// The relation's schema.
        pub schema: String,
        /// The relation.
        pub name: String,
        /// On which column; nothing for the whole.
        pub column: Option<String>,
        /// Whose.
        pub grantee: String,
        /// What for.
        pub privilege: String,
        /// Whether it may be passed on.
        pub grantable: bool,
    }
}

crate::row! {
    /// A right of a role on a function.
    pub struct FunctionRight {
        /// The function, as PostgreSQL writes its signature.
        pub name: String,
        /// Its schema.
        pub schema: String,
        /// Whose; nothing if nobody has one.
        pub grantee: Option<String>,
        /// What for.
        pub privilege: Option<String>,
        /// Whether it may be passed on.
        pub grantable: bool,
    }
}

crate::row! {
    /// What a signature means.
    pub struct Named {
        /// Number of the function; nothing if there is none.
        pub function: Option<i64>,
    }
}

crate::row! {
    /// A role.
    pub struct Role {
        /// Its name.
        pub name: String,
        /// Whether policies mean nothing to it.
        pub exempt: bool,
        /// Whose rights it has, its own among them.
        pub uses: Vec<String>,
    }
}

crate::row! {
    /// A subquery of a policy.
    pub struct Reference {
        /// The schema of the policy's table.
        pub schema: String,
        /// The policy's table.
        pub table: String,
        /// The policy.
        pub policy: String,
        /// The schema of what a subquery reads; nothing if it reads no relation.
        pub read_schema: Option<String>,
        /// What it reads.
        pub read_table: Option<String>,
        /// Whether it reads it to tell which rows there are; otherwise only which there may be.
        pub in_using: bool,
    }
}

static RELATIONS: Query<FoundRelation> = crate::query!("policy/relations");
static RIGHTS: Query<FoundRight> = crate::query!("policy/rights");
static NAMED: Query<Named> = crate::query!("policy/named");
static FUNCTION: Query<FunctionRight> = crate::query!("policy/function");
static ROLES: Query<Role> = crate::query!("policy/roles");
static REFERENCES: Query<Reference> = crate::query!("policy/references");

/// What a database has; expressions are qualified.
#[derive(Debug, Default)]
pub struct Found {
    /// Relations.
    pub relations: BTreeMap<Relation, FoundRelation>,
    /// Rights on them.
    pub rights: BTreeMap<Relation, Rights>,
    /// Policies on them.
    pub policies: Vec<Policy>,
    /// Policies on this session's temporary tables.
    pub twins: Vec<Policy>,
}

impl Found {
    /// Reads it in the transaction that is open, whose search path is the catalog from then on. All questions travel
    /// together.
    pub async fn read_here(db: &Db) -> Result<Self> {
        let (path, relations, rights, policies) = tokio::join!(
            db.script(IN_CATALOG),
            db.all(&RELATIONS, &[]),
            db.all(&RIGHTS, &[]),
            Policy::read(db),
        );
        path?;
        let mut found = Self::default();
        for row in relations? {
            found
                .relations
                .insert(Relation::new(&row.schema, &row.name), row);
        }
        for row in rights? {
            let right = Right {
                grantee: row.grantee,
                column: row.column,
                privilege: row.privilege,
            };
            let rights = found.rights.entry(Relation::new(&row.schema, &row.name));
            rights.or_default().insert(right, row.grantable);
        }
        (found.twins, found.policies) = policies?
            .into_iter()
            .partition(|policy| policy.schema == "pg_temp");
        Ok(found)
    }

    /// Whether another look found the same of these relations.
    pub fn is_same(&self, other: &Self) -> bool {
        let key = |policy: &Policy| format!("{policy:?}");
        let policies = |found: &Self| -> Vec<String> { found.policies.iter().map(key).collect() };
        let relations = |found: &Self| -> Vec<String> {
            let relations = found.relations.values();
            relations
                .filter(|relation| relation.kind != "sequence")
                .map(|relation| format!("{relation:?}"))
                .collect()
        };
        self.rights == other.rights
            && policies(self) == policies(other)
            && relations(self) == relations(other)
    }
}

/// The functions that signatures mean, by their numbers, and nothing for one that means none. What is written is looked
/// for where `search_path` says, and nothing else is.
pub async fn functions(
    db: &Db,
    search_path: SearchPath,
    signatures: &[&str],
) -> Result<Vec<Result<Option<i64>>>> {
    let opening = format!("begin;{}", search_path.in_transaction(db.endpoint()));
    let asked = signatures.iter().map(async |signature| {
        let Named { function } = db.one(&NAMED, &[signature]).await?;
        Ok(function)
    });
    let (begun, named, ended) =
        tokio::join!(db.script(&opening), join_all(asked), db.script("rollback"));
    begun?;
    ended?;
    Ok(named)
}

/// Rights on a function, and how PostgreSQL writes its signature; nothing if there is no such function.
pub async fn function(db: &Db, number: i64) -> Result<Option<(String, Rights)>> {
    let rows = db.all(&FUNCTION, &[&number]).await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let name = first.name.clone();
    let rights = rows.into_iter().filter_map(|row| {
        let right = Right {
            grantee: row.grantee?,
            column: None,
            privilege: row.privilege?,
        };
        Some((right, row.grantable))
    });
    Ok(Some((name, rights.collect())))
}

/// All roles.
pub async fn roles(db: &Db) -> Result<Vec<Role>> {
    db.all(&ROLES, &[]).await
}

/// What policies read.
pub async fn references(db: &Db) -> Result<Vec<Reference>> {
    db.all(&REFERENCES, &[]).await
}
