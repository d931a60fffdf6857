//! Whether the schema is as this program left it.
//!
//! A run that changes something compares when it has its lock, and takes the hash anew when it gives the lock back:
//! that is done there ([`super::lock`]) and nowhere else. The hash is of the rows of the catalog as they are stored, so
//! that nothing others wrote is evaluated, or even written out. What others changed while a run was at work cannot be
//! told from what the run did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Db;
use super::query::{Param, Query};
use crate::error::{self, Error, Result};

crate::row! {
    /// What is known of the schema.
    pub struct Schema {
        /// How it stands.
        pub state: String,
        /// Since when; nothing if nothing is known.
        pub since: Option<Timestamp>,
        /// Who changed it last by this program.
        pub actor: Option<String>,
        /// When the hash was taken.
        pub taken_at: Option<Timestamp>,
        /// The hash of what there is.
        pub hash: String,
        /// Whether nothing is in doubt, and all policies and indexes are known that there are.
        pub settled: bool,
        /// The hashes of policies and indexes as they were left, by kind and name, if they were asked for.
        pub left_objects: Option<serde_json::Value>,
        /// The same of those there are.
        pub objects: Option<serde_json::Value>,
    }
}

crate::row! {
    /// What is in doubt.
    pub struct Doubt {
        /// The state that was found; nothing if nothing is.
        pub doubt: Option<String>,
    }
}

/// How a schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As this program left it.
    AsLeft,
    /// Something else has changed it.
    Changed,
    /// A run was killed, and what it left cannot be told from what others did.
    Interrupted,
    /// A run is at work.
    AtWork,
    /// It was restored from a dump, or the server has another version.
    Elsewhere,
    /// Nobody has taken a hash yet.
    Unknown,
}

static STATE: Query<Schema> = crate::query!("schema/state");
static BEGIN: Query<Doubt> = crate::query!("schema/begin");
static END: Query<Doubt> = crate::query!("schema/end");
static DOUBT: Query<Doubt> = crate::query!("schema/doubt");
static ACCEPT: Query<Doubt> = crate::query!("schema/accept");

impl Schema {
    /// How it stands.
    pub fn state(&self) -> State {
        match self.state.as_str() {
            "as_left" => State::AsLeft,
            "changed" => State::Changed,
            "interrupted" => State::Interrupted,
            "at_work" => State::AtWork,
            "elsewhere" => State::Elsewhere,
            _ => State::Unknown,
        }
    }

    /// The policies and indexes that were left here, by kind and name, and whether they are still as they were.
    pub fn left(&self) -> BTreeMap<String, bool> {
        let entries = |objects: &Option<serde_json::Value>| {
            let object = objects.as_ref().and_then(|objects| objects.as_object());
            object.cloned().unwrap_or_default()
        };
        // Another database has other numbers.
        if self.state() == State::Elsewhere {
            return BTreeMap::new();
        }
        let there = entries(&self.objects);
        let left = entries(&self.left_objects).into_iter();
        left.map(|(name, hash)| {
            let is_same = there.get(&name) == Some(&hash);
            (name, is_same)
        })
        .collect()
    }
}

/// Whether policies and indexes are wanted one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// They are.
    Told,
    /// They are not.
    LeftOut,
}

/// How the schema stands, if there is a place for its hash. The caller turns "there is no such table" into nothing.
pub async fn read(db: &Db, objects: Objects) -> Result<Option<Schema>> {
    db.opt(&STATE, &[&(objects == Objects::Told)]).await
}

/// The same in the transaction that is open.
pub async fn read_here(db: &Db, objects: Objects) -> Result<Option<Schema>> {
    // Where there is no such table, the error must not spoil the transaction.
    let (begun, read, ended) = tokio::join!(
        db.script("savepoint schema"),
        read(db, objects),
        db.script("rollback to savepoint schema; release savepoint schema"),
    );
    begun?;
    ended?;
    match read {
        Err(error) if matches!(error::sqlstate(&error), Some("42P01" | "3F000")) => Ok(None),
        Err(error) if is_beyond(&error) => Ok(None),
        read => read,
    }
}

/// A run that locks this relation is about to change something.
pub(super) async fn begin(db: &Db, relation: &str) -> Result<()> {
    match unhurried(db, &BEGIN, &[&relation]).await {
        Err(error) if error::sqlstate(&error) == Some("42501") => {
            let refused =
                Error::refused("this role may not write down how a run leaves the schema");
            Err(refused
                .after(&error)
                .unchanged()
                .hint("connect as the owner of the schema toysoldiers, or have it run `grant select, update on toysoldiers.schema_hash to` this role")
                .into())
        }
        Err(error) if is_beyond(&error) => doubt(db, relation, true).await,
        begun => begun.map(drop),
    }
}

/// Whether the server could not do it, for what is stored there is too much: nothing of that stops a run.
fn is_beyond(error: &anyhow::Error) -> bool {
    matches!(
        error::sqlstate(error),
        Some("53200" | "54000" | "54001" | "XX000")
    )
}

/// What cannot be hashed is not known to be as it was left.
async fn doubt(db: &Db, relation: &str, begins: bool) -> Result<()> {
    db.opt(&DOUBT, &[&relation, &begins]).await.map(drop)
}

/// It is at its end. What it ran may have changed the settings of the session.
pub(super) async fn end(db: &Db, relation: &str) -> Result<()> {
    db.reset().await?;
    match unhurried(db, &END, &[&relation]).await {
        Err(error) if is_beyond(&error) => doubt(db, relation, false).await,
        ended => ended.map(drop),
    }
}

/// It was found as declared when it was read: nothing is in doubt any more. Not if a run began or ended since; whether
/// it was written down.
pub async fn accept(db: &Db, seen: &Schema) -> Result<bool> {
    let params: [&dyn Param; 3] = [&seen.hash, &seen.objects, &seen.taken_at];
    let row = unhurried(db, &ACCEPT, &params).await?;
    Ok(row.is_some())
}

/// How long the person lets a statement take is said of what the person runs.
async fn unhurried(db: &Db, query: &Query<Doubt>, params: &[&dyn Param]) -> Result<Option<Doubt>> {
    let usual = db.patience().statement.as_millis();
    let as_usual = format!("set statement_timeout = {usual}");
    let (given, row, taken) = tokio::join!(
        db.script("set statement_timeout = 0"),
        db.opt(query, params),
        db.script(&as_usual)
    );
    given?;
    let row = row?;
    taken.map(|()| row)
}
