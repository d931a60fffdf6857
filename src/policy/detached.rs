//! Policies that were taken off for a while, as the database remembers them.

use jiff::Timestamp;
use serde::Serialize;

use crate::bookkeeping;
use crate::error::{self, Result};
use crate::pg::policy::Policy;
use crate::pg::relation::Relation;
use crate::pg::{Db, Query};

crate::row! {
    /// A policy that is detached.
    pub struct Row {
        /// Its number, in the order in which they were detached.
        pub id: i64,
        /// The schema of the relation because of which it was.
        pub because_schema: String,
        /// The relation because of which it was.
        pub because_name: String,
        /// The schema of its table.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// `select`, `insert`, `update`, `delete` or `all`.
        pub command: String,
        /// Whether it lets in.
        pub permissive: bool,
        /// Whom it is for.
        pub roles: Vec<String>,
        /// Which rows there are.
        pub using: Option<String>,
        /// Which rows there may be.
        pub check: Option<String>,
        /// What is said about it.
        pub comment: Option<String>,
        /// Since when.
        pub detached_at: Timestamp,
        /// Who did it.
        pub actor: String,
    }
}

/// A policy that is detached.
#[derive(Debug, Clone, Serialize)]
pub struct Detached {
    /// The number of its row.
    #[serde(skip)]
    pub id: i64,
    /// The relation because of which it is.
    pub because: Relation,
    /// The policy as it was; every name in its expressions is qualified.
    #[serde(flatten)]
    pub policy: Policy,
    /// Since when.
    pub detached_at: Timestamp,
    /// Who did it.
    pub actor: String,
}

static DETACHED: Query<Row> = crate::query!("policy/detached");

impl Detached {
    /// All of them, by table and name.
    pub async fn read(db: &Db) -> Result<Vec<Self>> {
        let rows = db.all(&DETACHED, &[]).await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }

    /// The same for whoever only looks: none where the bookkeeping is of an older version, or is not for this role.
    pub async fn seen(db: &Db) -> Result<Vec<Self>> {
        match bookkeeping::absent_is_none(db.all(&DETACHED, &[]).await) {
            Err(error) if error::sqlstate(&error) == Some("42501") => Ok(Vec::new()),
            other => Ok(other?
                .unwrap_or_default()
                .into_iter()
                .map(Self::from)
                .collect()),
        }
    }
}

impl From<Row> for Detached {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            because: Relation {
                schema: row.because_schema,
                name: row.because_name,
            },
            policy: Policy {
                schema: row.schema,
                table: row.table,
                name: row.name,
                command: row.command,
                permissive: row.permissive,
                roles: row.roles,
                using: row.using,
                check: row.check,
                comment: row.comment,
                readable: true,
            },
            detached_at: row.detached_at,
            actor: row.actor,
        }
    }
}
