//! How the indexes of a database differ from the index files.

use serde::Serialize;

use super::declared::Declared;
use super::difference::Difference;
use super::look::{self, Look};
use super::{check, compare};
use crate::error::Result;
use crate::pg::Db;

/// What differs.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Where the files are.
    pub source: String,
    /// How many tables they are about.
    pub tables: usize,
    /// How many indexes they declare.
    pub indexes: usize,
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
    Ok(Status {
        source: look.declared.source.clone(),
        tables: look.declared.files.len(),
        indexes: look.declared.indexes.len(),
        in_sync: differences.is_empty(),
        notes: compare::notes(&look),
        differences,
    })
}

/// What has to change, unless the name of a declared index is taken.
pub fn differences(look: &Look) -> Result<Vec<Difference>> {
    check::names(&look.declared, &look.found, &look.others)?;
    Ok(compare::compare(look))
}
