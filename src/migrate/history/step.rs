//! How far migrations got that run without a transaction and are not at their end.

use crate::bookkeeping;
use crate::error::Result;
use crate::pg::{Db, Query};

crate::row! {
    /// A statement of such a migration that ran, or began.
    #[derive(PartialEq, Eq)]
    pub struct Step {
        /// Number of the migration.
        pub version: i64,
        /// The how-manieth statement it is, from 1.
        pub number: i32,
        /// Its text.
        pub text: String,
        /// Whether it came to its end; if not, it may have failed, or nobody saw its end.
        pub finished: bool,
    }
}

static STEPS: Query<Step> = crate::query!("migrate/unfinished");

/// All of them, in order; a database that is older has none.
pub async fn read(db: &Db) -> Result<Vec<Step>> {
    Ok(bookkeeping::absent_is_none(db.all(&STEPS, &[]).await)?.unwrap_or_default())
}
