//! Indexes of partitioned tables: one on the table alone, one built concurrently on each partition, and each of those
//! attached to it. With the last one it is valid.
//!
//! Only what is done to the table alone keeps writers waiting, and for no longer than an attempt.

use super::{Builder, LOOKS, State};
use crate::error::{self, Error, Result};
use crate::index::declared::{Manner as Making, Wanted};
use crate::pg::relation::Relation;
use crate::pg::session::IN_CATALOG;
use crate::pg::{Ident, Query, attempt};

crate::row! {
    /// A partition.
    pub struct Partition {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// Whether it has partitions itself.
        pub partitioned: bool,
        /// Whether its rows are on another server.
        pub elsewhere: bool,
        /// Its index that belongs to that of its parent, if it has one.
        pub part: Option<String>,
        /// Whether that index is valid.
        pub valid: bool,
    }
}

static PARTITIONS: Query<Partition> = crate::query!("index/partitions");

/// The longest name PostgreSQL keeps, in bytes.
const LONGEST: usize = 63;

impl Builder<'_> {
    /// Builds an index of a partitioned table, or what is missing of it. `base` is the name its partitions' indexes are
    /// named after.
    pub async fn build_partitioned(
        &self,
        wanted: &Wanted,
        table: &Relation,
        name: &str,
        base: &str,
    ) -> Result<()> {
        let partitions = self.partitions(table, name).await?;
        if let Some(foreign) = partitions.iter().find(|partition| partition.elsewhere) {
            return Err(foreign_table(table, foreign));
        }
        match self.state(&table.schema, name).await? {
            Some(state) if !state.is_on(table) => return Err(super::taken(name, &state)),
            Some(_) => {}
            None => {
                let create = wanted.create(Making::OnlyParent, name, &table.sql());
                let there = self.search_path.in_transaction(self.db.endpoint());
                let create = format!("{there};{create}\n;{IN_CATALOG}");
                self.briefly(&format!("creating {name}"), &create).await?;
            }
        }
        // A partition that is made meanwhile gets its index with it.
        for partition in partitions.iter().filter(|partition| !partition.valid) {
            let below = Relation::new(&partition.schema, &partition.name);
            match &partition.part {
                None => {
                    let parent = (table, name);
                    self.build_on(wanted, &below, partition.partitioned, parent, base)
                        .await?;
                }
                Some(part) if partition.partitioned => {
                    let rest = self.build_partitioned(wanted, &below, part, base);
                    Box::pin(rest).await?;
                }
                Some(part) => self.reindex(&below.schema, part).await?,
            }
        }
        match self.state(&table.schema, name).await? {
            Some(State { valid: true, .. }) => Ok(()),
            _ => Err(Error::refused(format!(
                "{name} is not valid, though every partition of {table} that was there has its part of it"
            ))
            .hint(format!(
                "if partitions were made meanwhile, run the same command again; if none were, drop the index {name} first"
            ))
            .into()),
        }
    }

    /// Builds the index of a partition, and attaches it to that of its parent.
    async fn build_on(
        &self,
        wanted: &Wanted,
        partition: &Relation,
        has_partitions: bool,
        (table, parent): (&Relation, &str),
        base: &str,
    ) -> Result<()> {
        for number in 0..LOOKS {
            let name = name_on(base, partition, number);
            match self.state(&partition.schema, &name).await? {
                Some(state) if state.attached || !state.is_on(partition) => continue,
                _ => {}
            }
            if has_partitions {
                let below = self.build_partitioned(wanted, partition, &name, base);
                Box::pin(below).await?;
            } else {
                let create = wanted.create(Making::Concurrently, &name, &partition.sql());
                self.build(&name, partition, &create).await?;
            }
            let attach = format!(
                "alter index {}.{} attach partition {}.{}",
                Ident(&table.schema),
                Ident(parent),
                Ident(&partition.schema),
                Ident(&name)
            );
            match self.briefly(&format!("attaching {name}"), &attach).await {
                // It is somebody's who had the name before, and says something else.
                Err(error) if error::sqlstate(&error) == Some("42P17") => {}
                done => return done,
            }
        }
        Err(Error::refused(format!(
            "there is no name left for the index of {partition} that belongs to {parent}"
        ))
        .hint("drop those of its indexes that belong to none of its parent")
        .into())
    }

    async fn partitions(&self, table: &Relation, index: &str) -> Result<Vec<Partition>> {
        let params: [&dyn crate::pg::Param; 3] = [&table.schema, &table.name, &index];
        self.db.all(&PARTITIONS, &params).await
    }

    /// Drops an index of a partitioned table with all that belong to it, which PostgreSQL does not do concurrently.
    pub(super) async fn drop_partitioned(&self, index: &str, name: &str) -> Result<()> {
        let drop = format!("drop index if exists {index}");
        self.briefly(&format!("dropping {name}"), &drop).await
    }

    /// Does what locks a table against writers: in a moment or not at all, and again.
    async fn briefly(&self, what: &str, sql: &str) -> Result<()> {
        let once = async || self.db.script(sql).await;
        attempt::transact(self.db, what, self.run, once).await
    }
}

/// The name of the index on a partition, another one for each number.
fn name_on(base: &str, partition: &Relation, number: usize) -> String {
    let number = match number {
        0 => String::new(),
        number => format!("_{number}"),
    };
    let whole = format!("{base}_{}", partition.name);
    if whole.len() + number.len() <= LONGEST {
        return whole + &number;
    }
    // The partition tells more than the rest: half of the name each, at most.
    let room = LONGEST - number.len() - 1;
    let tail = cut(&partition.name, room / 2);
    let head = cut(base, room - tail.len());
    format!("{head}_{tail}{number}")
}

/// As much of a text as fits into so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn foreign_table(table: &Relation, partition: &Partition) -> anyhow::Error {
    let name = Relation::new(&partition.schema, &partition.name);
    Error::refused(format!(
        "{name}, a partition of {table}, is a foreign table, which can have no index here"
    ))
    .hint("declare indexes of the other partitions one by one, or detach the foreign one")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_partitions_fit_and_differ() {
        let short = Relation::new("public", "views_2024");
        assert_eq!(name_on("views_date", &short, 0), "views_date_views_2024");
        assert_eq!(name_on("views_date", &short, 1), "views_date_views_2024_1");
        let long = Relation::new("public", &"é".repeat(31));
        for number in 0..12 {
            assert!(name_on(&"x".repeat(63), &long, number).len() <= LONGEST);
        }
    }
}
