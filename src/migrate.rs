//! Migrations: numbered files of SQL, each applied once, in order.
//!
//! A migration and the row that remembers it are one transaction and one round trip. What ran is never guessed
//! at: a file that was edited, renamed, deleted or came late is an error that names it, before anything runs.
//! A file that cannot be a transaction says so, and goes on where it stopped. Deliberately absent here: taking a
//! migration back without a file that says how, and running files that have no number.

pub mod baseline;
pub mod check;
pub mod comparison;
mod detaching;
pub mod diff;
pub mod directive;
pub mod down;
pub mod dump;
mod engine;
pub mod file;
mod heading;
pub mod history;
pub mod import;
mod leftover;
pub mod lint;
pub mod mark;
mod marker;
pub mod named;
mod nested;
pub mod new;
pub mod preflight;
mod record;
pub mod repair;
mod run;
mod runner;
pub mod script;
pub mod size;
pub mod source;
mod step;
mod stepping;
mod story;
mod transaction;
mod undoing;
pub mod up;
pub mod verify;

use serde::Serialize;

use crate::error::Result;
use crate::pg::Db;
use diff::Standing;
use history::History;
pub use runner::Ran;
pub use source::Files;
pub use step::Progressed;
pub use up::{Applied, Pending, Wish};

/// How the files and the history of a database compare.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Where the migrations come from.
    pub source: String,
    /// One entry a migration, in order.
    pub migrations: Vec<diff::Entry>,
}

impl Status {
    /// How many are applied, pending or unfinished, and in trouble.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: Standing| {
            self.migrations
                .iter()
                .filter(|entry| entry.standing == wanted)
                .count()
        };
        let trouble = self
            .migrations
            .iter()
            .filter(|entry| entry.standing.is_problem())
            .count();
        let pending = count(Standing::Pending) + count(Standing::Unfinished);
        (count(Standing::Applied), pending, trouble)
    }

    /// Whether every migration is applied and as it was.
    pub fn is_settled(&self) -> bool {
        self.migrations
            .iter()
            .all(|entry| entry.standing == Standing::Applied)
    }
}

/// Compares files with history; writes nothing at all.
pub async fn status(db: &Db, files: Files) -> Result<Status> {
    let Files { source, all, .. } = files;
    let history = History::read(db).await?;
    let migrations = diff::against(&all, &history);
    Ok(Status { source, migrations })
}
