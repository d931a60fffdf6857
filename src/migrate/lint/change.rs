//! What becomes of a foreign key after it is made: later statements drop it, or what it belongs to, or rename that.

use super::facts::{Fact, Facts, Indexes, Name};

/// What a statement does to a table that is there, as far as it matters to a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The table is dropped.
    TableDropped(Name),
    /// All tables of a schema are dropped.
    SchemaDropped(String),
    /// A column of the table is dropped.
    ColumnDropped(Name, String),
    /// A constraint of the table is dropped.
    ConstraintDropped(Name, String),
    /// The table has another name from now on.
    TableRenamed(Name, Name),
    /// A column of the table, and its name from now on.
    ColumnRenamed(Name, String, String),
    /// A constraint of the table, and its name from now on.
    ConstraintRenamed(Name, String, String),
}

/// Where in the files something is said: the how-manieth file, and the how-manieth fact in it.
pub type Place = (usize, usize);

/// A foreign key as it is at some place.
#[derive(Debug, Clone)]
pub struct Key {
    /// The table that has it.
    pub table: Name,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table it refers to.
    pub target: Name,
    /// Its name, as PostgreSQL gives it if nobody did.
    pub name: String,
}

/// The changes of some files, in order.
#[derive(Debug, Default)]
pub struct Changes(Vec<(Place, Change)>);

impl Changes {
    /// Adds those of a file.
    pub fn add(&mut self, file: usize, facts: &Facts) {
        let changes = facts.all.iter().enumerate();
        self.0
            .extend(changes.filter_map(|(index, fact)| match fact {
                Fact::Change(change) => Some(((file, index), change.clone())),
                _ => None,
            }));
    }

    /// Whether a key that is made at this place is no matter in the end: it is gone, or an index finds its rows under
    /// the names they have by then.
    pub fn settle(&self, mut key: Key, place: Place, indexes: &Indexes) -> bool {
        if indexes.cover(&key.table, &key.columns) {
            return true;
        }
        let later = self.0.iter().filter(|(at, _)| *at > place);
        for (_, change) in later {
            if !key.outlives(change) || indexes.cover(&key.table, &key.columns) {
                return true;
            }
        }
        false
    }
}

impl Key {
    /// Whether it is still there after a change, and how.
    fn outlives(&mut self, change: &Change) -> bool {
        let is_in = |name: &Name, schema: &String| {
            name.schema.as_deref().unwrap_or("public") == schema.as_str()
        };
        match change {
            Change::TableDropped(table) => *table != self.table && *table != self.target,
            Change::SchemaDropped(schema) => {
                !is_in(&self.table, schema) && !is_in(&self.target, schema)
            }
            Change::ColumnDropped(table, column) => {
                *table != self.table || !self.columns.contains(column)
            }
            Change::ConstraintDropped(table, name) => *table != self.table || *name != self.name,
            Change::TableRenamed(table, to) => {
                for name in [&mut self.table, &mut self.target] {
                    if name == table {
                        name.clone_from(to);
                    }
                }
                true
            }
            Change::ColumnRenamed(table, column, to) => {
                let columns = self.columns.iter_mut();
                for name in columns.filter(|name| *table == self.table && *name == column) {
                    name.clone_from(to);
                }
                true
            }
            Change::ConstraintRenamed(table, name, to) => {
                if *table == self.table && *name == self.name {
                    self.name.clone_from(to);
                }
                true
            }
        }
    }
}
