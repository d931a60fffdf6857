//! What builds of indexes left behind that did not come to their end: of no use to anybody, and their names are taken.

use super::engine::Engine;
use super::record::AS_OURSELVES;
use super::step::{concurrent_index, reindexed};
use crate::error::Result;
use crate::pg::sql::Statement;
use crate::pg::{Ident, Param, Query};

crate::row! {
    /// An index that is not valid.
    pub struct Leftover {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
    }
}

crate::row! {
    /// What a name means.
    pub struct Named {
        /// Number of the relation; nothing if there is none.
        pub relation: Option<i64>,
    }
}

static NAMED: Query<Named> = crate::query!("migrate/named");
static INVALID: Query<Leftover> = crate::query!("migrate/invalid_index");
static TRANSIENT: Query<Leftover> = crate::query!("migrate/transient_index");

impl Engine<'_> {
    /// What a build of the same index as this statement builds left behind.
    pub(super) async fn leftovers(&self, statement: &Statement<'_>) -> Result<Vec<Leftover>> {
        let (query, name) = if let Some((schema, name)) = concurrent_index(statement) {
            let schema = schema.map_or_else(String::new, |schema| format!("{}.", Ident(&schema)));
            (&INVALID, format!("{schema}{}", Ident(&name)))
        } else if let Some(name) = reindexed(statement) {
            (&TRANSIENT, name.to_owned())
        } else {
            return Ok(Vec::new());
        };
        // What the name means is asked where the file looks names up, and nothing else is.
        let Named { relation } = self.db.one(&NAMED, &[&name]).await?;
        let as_ourselves = format!("begin;{AS_OURSELVES}");
        let params: [&dyn Param; 1] = [&relation];
        let (begun, found, ended) = tokio::join!(
            self.db.script(&as_ourselves),
            self.db.all(query, &params),
            self.db.script("rollback"),
        );
        begun?;
        ended?;
        found
    }
}
