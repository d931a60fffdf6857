//! The indexes a database has.

use jiff::Timestamp;
use serde::Serialize;

use crate::error::Result;
use crate::pg::relation::{Named, Relation};
use crate::pg::{Db, Query};

crate::row! {
    /// An index.
    pub struct Entry {
        /// The schema of its table.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// `btree`, `gin`.
        pub method: String,
        /// Whether it allows a key once.
        pub unique: bool,
        /// Whether it is the primary key's.
        pub primary: bool,
        /// The constraint it is behind.
        pub constraint: Option<String>,
        /// The index of a partitioned table it is a part of.
        pub part_of: Option<String>,
        /// Whether it may be used.
        pub valid: bool,
        /// The session that is building it.
        pub pid: Option<i32>,
        /// In bytes; that of a partitioned table with all its parts.
        pub size: i64,
        /// How often it was used since the statistics of this server were last reset.
        pub scans: i64,
        /// When it was last used; servers before PostgreSQL 16 do not know.
        pub last_used: Option<Timestamp>,
        /// The statement that would make it.
        pub definition: String,
    }
}

/// All indexes, in order of table and name.
#[derive(Debug, Serialize)]
pub struct Indexes {
    /// An entry an index.
    pub indexes: Vec<Entry>,
    /// Whether the server knows when one was last used.
    pub knows_last_use: bool,
}

static LIST: Query<Entry> = crate::query!("index/list");

/// Reads them, all or those of one table.
pub async fn list(db: &Db, table: Option<&Named>) -> Result<Indexes> {
    let only = match table {
        Some(named) => Some(named.among(&Relation::all(db).await?)?),
        None => None,
    };
    let schema = only.as_ref().map(|only| only.schema.clone());
    let name = only.map(|only| only.name);
    Ok(Indexes {
        indexes: db.all(&LIST, &[&schema, &name]).await?,
        knows_last_use: db.server_major() >= 16,
    })
}
