//! What is to be known of the database that the migrations are for: read once, in one snapshot.

use crate::error::Result;
use crate::migrate::history::History;
use crate::migrate::size::{Size, Sizes};
use crate::pg::Db;
use crate::pg::catalog::Catalog;

/// A database as it was at one moment.
#[derive(Debug)]
pub struct Target {
    /// What ran in it.
    pub history: History,
    /// What is declared in it.
    pub catalog: Catalog,
    /// Version of its server.
    pub version: String,
    /// Major version of its server.
    pub major: u32,
    sizes: Sizes,
}

impl Target {
    /// Reads it; a pooler in transaction mode will do, since all is one transaction.
    pub async fn read(db: &Db) -> Result<Self> {
        db.begin_snapshot().await?;
        let read = Self::read_here(db).await;
        let ended = db.end().await;
        let target = read?;
        ended.map(|()| target)
    }

    async fn read_here(db: &Db) -> Result<Self> {
        // A database without our schema answers with an error, which must not spoil the snapshot.
        db.script("savepoint history").await?;
        let history = History::read(db).await?;
        db.script("rollback to savepoint history").await?;
        let sizes = Sizes::read(db).await?;
        Ok(Self {
            history,
            sizes,
            catalog: Catalog::read_here(db).await?,
            version: db.server_version().to_owned(),
            major: db.server_major(),
        })
    }

    /// How large a table is, if it is there.
    pub fn size(&self, schema: &str, name: &str) -> Option<&Size> {
        self.sizes.of(schema, name)
    }
}
