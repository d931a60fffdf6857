//! The indexes a database has, and what else has a name there.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::pg::relation::Relation;
use crate::pg::{Db, Query};

crate::row! {
    /// An index, in terms that can be compared.
    pub struct Index {
        /// The schema of its table and its own; `pg_temp` for a temporary one of this session.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// `btree`, `gin`.
        pub method: String,
        /// Whether it allows a key once.
        pub unique: bool,
        /// Whether two keys that are null are the same to it.
        pub nulls_not_distinct: bool,
        /// Columns and expressions, each with what is not the default of it: `created_at desc`.
        pub keys: Vec<String>,
        /// The same without that: `created_at`.
        pub bare: Vec<String>,
        /// The operator class of each: its family and its type, by number. It says how keys are compared.
        pub classes: Vec<String>,
        /// Columns that are stored besides.
        pub included: Vec<String>,
        /// Which rows are in it; nothing for all.
        pub predicate: Option<String>,
        /// Whether it is: keys and predicate of one that is nested too deep, or too large, are not told.
        pub readable: bool,
        /// What is set for it: `fillfactor=80`.
        pub options: Vec<String>,
        /// The tablespace it is in; of a declared one, nothing to leave that to the server.
        pub tablespace: Option<String>,
        /// Whether it may be used.
        pub valid: bool,
        /// Whether whoever writes also writes to it.
        pub ready: bool,
        /// Whether it is that of a partitioned table.
        pub partitioned: bool,
        /// The index of a partitioned table it is a part of.
        pub parent: Option<String>,
        /// The constraint it is behind.
        pub constraint: Option<String>,
        /// Whether its table is an extension's.
        pub foreign: bool,
        /// The schema of the partitioned table that its table is a part of.
        pub root_schema: Option<String>,
        /// That table.
        pub root_name: Option<String>,
        /// In bytes; with all its parts.
        pub size: Option<i64>,
        /// Partitions that have no valid part of it.
        pub lacking: Vec<String>,
        /// The session that is at work on it, if it is not valid.
        pub pid: Option<i32>,
        /// What that session does, if we may know.
        pub command: Option<String>,
        /// How far it is.
        pub phase: Option<String>,
    }
}

crate::row! {
    /// Something else that has a name.
    pub struct Other {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// `table`, `partitioned table`, `view`.
        pub kind: String,
    }
}

crate::row! {
    /// A tablespace.
    pub struct Tablespace {
        /// Its name.
        pub name: String,
    }
}

static TABLESPACES: Query<Tablespace> = crate::query!("index/tablespaces");
static ALL: Query<Index> = crate::query!("index/all");
static RELATIONS: Query<Other> = crate::query!("index/relations");

/// What has a name and is no index, and its kind.
pub type Others = BTreeMap<Relation, String>;

impl Index {
    /// Its table.
    pub fn on(&self) -> Relation {
        Relation::new(&self.schema, &self.table)
    }

    /// Whether it is on this table.
    pub fn is_on(&self, table: &Relation) -> bool {
        (&self.schema, &self.table) == (&table.schema, &table.name)
    }

    /// Whether it is an index as the declared one is, whatever its name, its table and its state.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.is_in_place(other)
            && self.method == other.method
            && self.unique == other.unique
            && self.nulls_not_distinct == other.nulls_not_distinct
            && self.keys == other.keys
            && self.classes == other.classes
            && self.included == other.included
            && self.predicate == other.predicate
            && self.options == other.options
    }

    /// Whether it is in the tablespace that is declared, if one is.
    pub fn is_in_place(&self, desired: &Self) -> bool {
        desired.tablespace.is_none() || self.tablespace == desired.tablespace
    }
}

/// All indexes of the database and of this session's temporary tables. Names in expressions are qualified unless the
/// search path of the moment finds them.
pub async fn indexes(db: &Db) -> Result<Vec<Index>> {
    db.all(&ALL, &[]).await
}

/// The names of the tablespaces of the server.
pub async fn tablespaces(db: &Db) -> Result<Vec<String>> {
    let rows = db.all(&TABLESPACES, &[]).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// Everything else that has a name.
pub async fn others(db: &Db) -> Result<Others> {
    let rows = db.all(&RELATIONS, &[]).await?;
    let others = rows
        .into_iter()
        .map(|row| (Relation::new(&row.schema, &row.name), row.kind));
    Ok(others.collect())
}
