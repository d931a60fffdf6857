//! What a statement does to the tables that were there before it: which locks it takes, and whether it writes all rows
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::error::Result;
use crate::pg::sql::Statement;
use crate::pg::{Db, Query};

crate::row! {
    /// A table, or a lock on one that is gone.
    pub struct Relation {
        /// Its object id.
        pub id: i64,
        /// The schema it is in.
        pub schema: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// The file its rows are in.
        pub file: Option<i64>,
        /// The strongest lock that is held on it, as the documentation counts them.
        pub strength: Option<i32>,
    }
}

static RELATIONS: Query<Relation> = crate::query!("migrate/relations");
static LOCKED: Query<Relation> = crate::query!("migrate/locked");

/// A lock on a table, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Mode {
    /// Readers.
    AccessShare = 1,
    /// `select for update`
    RowShare,
    /// Writers.
    RowExclusive,
    /// Maintenance beside readers and writers.
    ShareUpdateExclusive,
    /// No writers.
    Share,
    /// No writers, and no other of its kind.
    ShareRowExclusive,
    /// Only readers.
    Exclusive,
    /// Nobody else.
    AccessExclusive,
}

impl Mode {
    /// As PostgreSQL's documentation calls it, in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShare",
            Self::RowShare => "RowShare",
            Self::RowExclusive => "RowExclusive",
            Self::ShareUpdateExclusive => "ShareUpdateExclusive",
            Self::Share => "Share",
            Self::ShareRowExclusive => "ShareRowExclusive",
            Self::Exclusive => "Exclusive",
            Self::AccessExclusive => "AccessExclusive",
        }
    }

    fn of(strength: i32) -> Self {
        match strength {
            ..=1 => Self::AccessShare,
            2 => Self::RowShare,
            3 => Self::RowExclusive,
            4 => Self::ShareUpdateExclusive,
            5 => Self::Share,
            6 => Self::ShareRowExclusive,
            7 => Self::Exclusive,
            8.. => Self::AccessExclusive,
        }
    }
}

/// What a statement did to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The schema of the table.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The lock it took and had not before, or under which it rewrites; nothing if that is not known.
    pub lock: Option<Mode>,
    /// Whether every row of it is written anew.
    pub rewrites: bool,
}

/// Tables at one moment of a session, and the locks it holds.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    tables: BTreeMap<i64, Table>,
    held: BTreeMap<i64, Mode>,
}

#[derive(Debug, Clone)]
struct Table {
    schema: String,
    name: String,
    file: Option<i64>,
}

impl Scene {
    /// All tables. Outside of a transaction no lock is left to look at.
    pub async fn all(db: &Db) -> Result<Self> {
        Ok(Self::of(db.all(&RELATIONS, &[]).await?))
    }

    /// The tables that the open transaction has locked. It can have done nothing to others.
    pub async fn locked(db: &Db) -> Result<Self> {
        Ok(Self::of(db.all(&LOCKED, &[]).await?))
    }

    fn of(rows: Vec<Relation>) -> Self {
        let mut scene = Self::default();
        for row in rows {
            if let (Some(schema), Some(name)) = (row.schema, row.name) {
                let file = row.file;
                scene.tables.insert(row.id, Table { schema, name, file });
            }
            if let Some(strength) = row.strength {
                scene.held.insert(row.id, Mode::of(strength));
            }
        }
        scene
    }

    /// Whether there is any table.
    pub fn has_tables(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Brings it up to date with what a transaction had locked when it ended.
    pub fn follow(&mut self, locked: Self) {
        for id in locked.held.keys() {
            self.tables.remove(id);
        }
        self.tables.extend(locked.tables);
    }

    /// What a statement did between the scene before it and this one, to the tables there were at `start`: those that
    /// its own transaction made are nobody else's business. Readers' locks are in nobody's way.
    pub fn touches(&self, before: &Self, start: &Self, statement: &Statement<'_>) -> Vec<Touch> {
        let empties = statement
            .words
            .first()
            .is_some_and(|word| word == "truncate");
        let named = alongside(statement).and_then(|(words, mode)| Some((start.find(words)?, mode)));
        let mut touches = Vec::new();
        let ids: BTreeSet<i64> = self
            .tables
            .keys()
            .chain(self.held.keys())
            .copied()
            .collect();
        for id in &ids {
            let Some(table) = start.tables.get(id) else {
                continue;
            };
            let held = |scene: &Self| scene.held.get(id).copied();
            let known = named.filter(|(named, _)| named == id).map(|(_, mode)| mode);
            let lock = held(self)
                .filter(|mode| *mode > Mode::AccessShare && Some(*mode) > held(before))
                .or(known);
            let old = before.tables.get(id).unwrap_or(table).file;
            let rewrites = !empties && self.tables.get(id).is_some_and(|now| now.file != old);
            if lock.is_some() || rewrites {
                touches.push(Touch {
                    schema: table.schema.clone(),
                    name: table.name.clone(),
                    // Whoever took the lock for it, a table is never written anew under another.
                    lock: lock.or(rewrites.then_some(Mode::AccessExclusive)),
                    rewrites,
                });
            }
        }
        touches
    }

    /// The table that these words name, if they can mean no other.
    fn find(&self, words: &[String]) -> Option<i64> {
        let is =
            |table: &Table, schema: &str, name: &str| table.schema == schema && table.name == name;
        let first = words.first()?;
        let qualified = |second: &String| {
            self.tables
                .iter()
                .find(|(_, table)| is(table, first, second))
        };
        let found = words.get(1).and_then(qualified).or_else(|| {
            self.tables
                .iter()
                .find(|(_, table)| is(table, "public", first))
        });
        found.map(|(id, _)| *id)
    }
}

/// What is certain of a statement that runs in no transaction, where no lock is left to look at: the words that name
/// the table, and the lock.
fn alongside<'a>(statement: &'a Statement<'_>) -> Option<(&'a [String], Mode)> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let after = |word: &str| {
        let place = words.iter().position(|other| *other == word)? + 1;
        let only = usize::from(words.get(place) == Some(&"only"));
        statement.words.get(place + only..)
    };
    match words.as_slice() {
        ["create", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..] => {
            Some((after("on")?, Mode::ShareUpdateExclusive))
        }
        ["refresh", "materialized", "view", "concurrently", ..] => {
            Some((after("concurrently")?, Mode::Exclusive))
        }
        _ => None,
    }
}
