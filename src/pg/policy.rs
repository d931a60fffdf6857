//! Policies of row-level security: as the catalog has them, and the statements that make and unmake them.

use std::fmt::Write;

use super::ident::{Ident, Literal};
use super::relation::Relation;
use super::{Db, Query};
use crate::error::Result;

/// Everybody, as a policy or a grant names them.
pub const PUBLIC: &str = "public";

crate::row! {
    /// A policy.
    pub struct Policy {
        /// The schema of its table; `pg_temp` for a temporary one of this session.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name, unique on the table.
        pub name: String,
        /// `select`, `insert`, `update`, `delete` or `all`.
        pub command: String,
        /// Whether it lets in; otherwise it keeps out what others let in.
        pub permissive: bool,
        /// Whom it is for, in order; `public` is everybody.
        pub roles: Vec<String>,
        /// Which rows there are.
        pub using: Option<String>,
        /// Which rows there may be.
        pub check: Option<String>,
        /// What is said about it.
        pub comment: Option<String>,
        /// Whether it is: of one that is nested too deep, or too large, the expressions are no SQL, but say that.
        #[serde(skip)]
        pub readable: bool,
    }
}

crate::row! {
    /// A relation that the expressions of a policy read.
    pub struct Read {
        /// The schema of the policy's table.
        pub schema: String,
        /// The policy's table.
        pub table: String,
        /// The policy.
        pub name: String,
        /// The schema of what it reads.
        pub read_schema: String,
        /// What it reads.
        pub read_name: String,
        /// A column of that; nothing for the relation as such.
        pub column: Option<String>,
    }
}

static ALL: Query<Policy> = crate::query!("policy/all");
static READS: Query<Read> = crate::query!("policy/reads");

impl Read {
    /// What all policies read.
    pub async fn all(db: &Db) -> Result<Vec<Self>> {
        db.all(&READS, &[]).await
    }

    /// Whether it is this policy that reads it.
    pub fn is_of(&self, policy: &Policy) -> bool {
        (&self.schema, &self.table, &self.name) == (&policy.schema, &policy.table, &policy.name)
    }

    /// What is read.
    pub fn relation(&self) -> Relation {
        Relation::new(&self.read_schema, &self.read_name)
    }
}

impl Policy {
    /// All of the platform's, and those on this session's temporary tables, by schema, table and name. Names in
    /// expressions are qualified unless they are the catalog's.
    pub async fn read(db: &Db) -> Result<Vec<Self>> {
        db.all(&ALL, &[]).await
    }

    /// Its table.
    pub fn on(&self) -> Relation {
        Relation::new(&self.schema, &self.table)
    }

    /// Its table, for SQL.
    pub fn relation(&self) -> String {
        format!("{}.{}", Ident(&self.schema), Ident(&self.table))
    }

    /// The statement that makes it, without its comment.
    pub fn create(&self) -> String {
        let mut sql = format!(
            "create policy {} on {} as {} for {} to {}",
            Ident(&self.name),
            self.relation(),
            if self.permissive {
                "permissive"
            } else {
                "restrictive"
            },
            self.command,
            roles(&self.roles),
        );
        if let Some(using) = &self.using {
            let _ = write!(sql, " using ({using})");
        }
        if let Some(check) = &self.check {
            let _ = write!(sql, " with check ({check})");
        }
        sql
    }

    /// The statement that unmakes it.
    pub fn drop(&self) -> String {
        format!("drop policy {} on {}", Ident(&self.name), self.relation())
    }

    /// The statement that says this about it.
    pub fn say(&self, comment: &str) -> String {
        format!(
            "comment on policy {} on {} is {}",
            Ident(&self.name),
            self.relation(),
            Literal(comment)
        )
    }
}

/// Roles as SQL names them.
pub fn roles(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| role(name)).collect();
    names.join(", ")
}

/// A role as SQL names it.
pub fn role(name: &str) -> String {
    if name == PUBLIC {
        PUBLIC.to_owned()
    } else {
        Ident(name).to_string()
    }
}
