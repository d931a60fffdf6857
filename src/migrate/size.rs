//! How large the tables of a database are: what is said of a large table need not be said of a small one.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::pg::{Db, Query};

crate::row! {
    /// How large a table is.
    pub struct Size {
        /// The schema it is in.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// In bytes; with its indexes unless it is an estimate.
        pub bytes: i64,
        /// About how many; nothing if PostgreSQL has not counted yet.
        pub rows: Option<i64>,
    }
}

static SIZES: Query<Size> = crate::query!("migrate/sizes");
static ESTIMATES: Query<Size> = crate::query!("migrate/estimates");

/// What reading or writing the whole of takes no time that anybody notices, in bytes.
const SMALL: i64 = 10 << 20;

impl Size {
    /// Whether nobody has to wait for anything that is done to all of it.
    pub fn is_small(&self) -> bool {
        self.bytes < SMALL
    }
}

/// The sizes of all tables.
#[derive(Debug, Clone, Default)]
pub struct Sizes(BTreeMap<(String, String), Size>);

impl Sizes {
    /// Asks for them; waits for whoever holds a table for itself alone.
    pub async fn read(db: &Db) -> Result<Self> {
        Self::ask(db, &SIZES).await
    }

    /// Asks for what PostgreSQL counted last; waits for nobody.
    pub async fn estimate(db: &Db) -> Result<Self> {
        Self::ask(db, &ESTIMATES).await
    }

    async fn ask(db: &Db, query: &Query<Size>) -> Result<Self> {
        let sizes = db.all(query, &[]).await?.into_iter();
        Ok(Self(
            sizes
                .map(|size| ((size.schema.clone(), size.name.clone()), size))
                .collect(),
        ))
    }

    /// That of a table, if it is there.
    pub fn of(&self, schema: &str, name: &str) -> Option<&Size> {
        self.0.get(&(schema.to_owned(), name.to_owned()))
    }
}
