//! What is declared in a database, as text that can be compared.
//!
//! PostgreSQL writes its own definitions, with no schema in the search path but its own, so that a name reads the same
//! whoever asks. What an extension brings is the extension's, and our own schema is nobody's business. Owners are left
//! out: they differ from server to server. Deliberately absent: casts, operators, collations, text search, foreign
//! servers, for which `migrate verify` asks pg_dump, and everything that belongs to the whole server.

pub mod between;
pub mod diff;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;

use super::{Db, Query};
use crate::error::Result;

crate::row! {
    /// One thing that is declared.
    pub struct Object {
        /// `table`, `policy`, `grants`
        pub kind: String,
        /// The schema it is in; nothing if it is in none.
        pub schema: Option<String>,
        /// Its name among those of its kind, qualified and quoted: `public.tips`, `own on public.tips`.
        pub name: String,
        /// The name of what it falls with.
        pub parent: Option<String>,
        /// Its definition.
        pub lines: Vec<String>,
    }
}

static QUERIES: [Query<Object>; 12] = [
    crate::query!("catalog/schemas"),
    crate::query!("catalog/tables"),
    crate::query!("catalog/constraints"),
    crate::query!("catalog/indexes"),
    crate::query!("catalog/triggers"),
    crate::query!("catalog/views"),
    crate::query!("catalog/functions"),
    crate::query!("catalog/types"),
    crate::query!("catalog/sequences"),
    crate::query!("catalog/grants"),
    crate::query!("catalog/defaults"),
    crate::query!("catalog/extensions"),
];

/// Everything that is declared in a database, by kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<(String, String), Object>);

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        (&self.kind, &self.name) == (&other.kind, &other.name) && self.reads_like(other)
    }
}

impl Eq for Object {}

impl Catalog {
    /// Reads it in a snapshot of its own.
    pub async fn read(db: &Db) -> Result<Self> {
        db.begin_snapshot().await?;
        let catalog = Self::read_here(db).await;
        let ended = db.end().await;
        let catalog = catalog?;
        ended.map(|()| catalog)
    }

    /// Reads it in the snapshot that is open. All questions travel together.
    pub async fn read_here(db: &Db) -> Result<Self> {
        let answers = QUERIES.iter().map(|query| db.all(query, &[]));
        Ok(try_join_all(answers).await?.into_iter().flatten().collect())
    }

    /// All of it, in order of kind and name.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.0.values()
    }

    /// How many things are declared.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, object: &Object) -> bool {
        self.0
            .contains_key(&(object.kind.clone(), object.name.clone()))
    }

    /// The schemas that something is in.
    pub fn schemas(&self) -> BTreeSet<&str> {
        self.objects()
            .filter_map(|object| object.schema.as_deref())
            .collect()
    }
}

impl FromIterator<Object> for Catalog {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let mut all: BTreeMap<(String, String), Object> = BTreeMap::new();
        for mut object in objects {
            object.lines = object
                .lines
                .iter()
                .flat_map(|text| text.trim_end().split('\n'))
                .map(|line| line.trim_end().to_owned())
                .collect();
            match all.entry((object.kind.clone(), object.name.clone())) {
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(object);
                }
                // Two roles that are both called the owner.
                std::collections::btree_map::Entry::Occupied(mut place) => {
                    let lines = &mut place.get_mut().lines;
                    lines.extend(object.lines);
                    lines.sort();
                    lines.dedup();
                }
            }
        }
        Self(all)
    }
}
