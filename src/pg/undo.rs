//! What has to be taken back on the server when a command does not come to its end.
//!
//! An interrupted command is a future that is dropped, so it cannot clean up behind itself. It says beforehand
//! what would have to be done; whoever ran the command does it, in a session of its own, whether the command
//! failed, panicked or was interrupted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::db::Db;
use super::endpoint::Endpoint;
use super::session::Patience;
use crate::error::{self, Result};

/// How long taking back may last: somebody waits for the prompt.
const PATIENCE: Duration = Duration::from_secs(30);

/// What would have to be taken back now.
#[derive(Debug, Default)]
pub struct Undo(Mutex<Vec<Entry>>);

/// One thing to take back.
#[derive(Debug)]
pub struct Entry {
    /// Where, and as whom.
    pub endpoint: Endpoint,
    /// How: one statement, which does no harm if there is nothing to take back.
    pub sql: String,
    /// What to tell the person when it is done.
    pub done: String,
    /// What to tell when it could not be done; the reason follows.
    pub stays: String,
}

impl Undo {
    /// From here on this has to be taken back.
    pub fn register(&self, entry: Entry) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    /// What was registered so far stays.
    pub fn settle(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Takes everything back, the last first; a line for each to tell the person.
    pub async fn carry_out(&self) -> Vec<String> {
        let entries = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut told = Vec::new();
        for entry in entries.into_iter().rev() {
            let reason = match tokio::time::timeout(PATIENCE, entry.run()).await {
                Ok(Ok(())) => {
                    told.push(entry.done);
                    continue;
                }
                Ok(Err(error)) => error::explain(&error).message,
                Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            told.push(format!("{}: {reason}", entry.stays));
        }
        told
    }
}

impl Entry {
    async fn run(&self) -> Result<()> {
        let db = Db::connect(&self.endpoint, Patience::default()).await?;
        db.script(&self.sql).await
    }
}
