//! What is to be known of the database that the migrations are for: read once, in one snapshot.

use super::net::{self, Dump};
use crate::error::Result;
use crate::migrate::history::History;
use crate::migrate::size::{Size, Sizes};
use crate::pg::Db;
use crate::pg::catalog::Catalog;
use crate::pg::schema::{self, Objects, Schema};
use crate::pg::tools::Programs;

/// A database as it was at one moment.
#[derive(Debug)]
pub struct Target {
    /// What ran in it.
    pub history: History,
    /// What is declared in it.
    pub catalog: Catalog,
    /// Whether it is as this program left it; nothing where there is no place for that.
    pub schema: Option<Schema>,
    /// Version of its server.
    pub version: String,
    /// Major version of its server.
    pub major: u32,
    /// What pg_dump writes of it, or why it cannot.
    pub dump: Result<Dump, String>,
    /// PostgreSQL's programs.
    pub programs: Programs,
    sizes: Sizes,
}

impl Target {
    /// Reads it; a pooler in transaction mode will do, since all is one transaction. Only pg_dump comes after it.
    pub async fn read(db: &Db, programs: &Programs) -> Result<Self> {
        db.begin_snapshot().await?;
        let read = Self::read_here(db, programs).await;
        let ended = db.end().await;
        let mut target = read?;
        ended?;
        target.dump = net::read(db, programs).await;
        Ok(target)
    }

    async fn read_here(db: &Db, programs: &Programs) -> Result<Self> {
        // A database without our schema answers with an error, which must not spoil the snapshot.
        db.script("savepoint history").await?;
        let history = History::read(db).await?;
        db.script("rollback to savepoint history").await?;
        let schema = schema::read_here(db, Objects::Told).await?;
        let sizes = Sizes::read(db).await?;
        Ok(Self {
            history,
            schema,
            sizes,
            dump: Ok(Dump::default()),
            programs: programs.clone(),
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
