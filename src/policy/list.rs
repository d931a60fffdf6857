//! The policies a database has.

use serde::Serialize;

use crate::error::Result;
use crate::pg::Db;
use crate::pg::policy::Policy;

/// All policies, in order of table and name.
#[derive(Debug, Serialize)]
pub struct Policies {
    /// An entry a policy.
    pub policies: Vec<Policy>,
}

/// Reads them; names are written as a person would who works in this database.
pub async fn list(db: &Db) -> Result<Policies> {
    let policies = Policy::read(db).await?;
    Ok(Policies { policies })
}
