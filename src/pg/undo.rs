//! What has to be taken back on the server when a command does not come to its end.
//!
//! An interrupted command is a future that is dropped, so it cannot clean up behind itself. It says beforehand
//! what would have to be done; whoever ran the command does it, in a session of its own, whether the command
//! failed, panicked or was interrupted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::db::Db;
use super::endpoint::Endpoint;
use super::ident::Ident;
use super::query::Query;
use super::session::Patience;
use crate::error::{self, Error, Result};

/// How long taking back may last: somebody waits for the prompt.
const PATIENCE: Duration = Duration::from_secs(30);

/// What would have to be taken back now.
#[derive(Debug, Default)]
pub struct Undo(Mutex<Vec<Entry>>);

/// How something is taken back.
#[derive(Debug)]
pub enum Way {
    /// By one statement, which does no harm if there is nothing to take back.
    Statement(String),
    /// By dropping what the build of an index left behind that did not come to its end. An index that is valid stays.
    Leftovers {
        /// The schema of the index.
        schema: String,
        /// Its name.
        name: String,
        /// Whether the index itself is one of them, and not only what a rebuild of it left.
        own: bool,
    },
}

crate::row! {
    /// An index that a build left behind.
    pub struct Leftover {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// Whether a session is still at work on it.
        pub building: bool,
    }
}

static LEFTOVER: Query<Leftover> = crate::query!("index/leftover");

/// What rebuilds of an index left behind, or are still at.
pub async fn leftovers(db: &Db, schema: &str, name: &str) -> Result<Vec<Leftover>> {
    db.all(&LEFTOVER, &[&schema, &name, &false]).await
}

/// How often is asked whether a session that was cancelled has ended.
const POLL: Duration = Duration::from_millis(50);

/// How long a session that was cancelled may take to end.
const WINDING_DOWN: Duration = Duration::from_secs(5);

/// One thing to take back.
#[derive(Debug)]
pub struct Entry {
    /// Where, and as whom.
    pub endpoint: Endpoint,
    /// How.
    pub way: Way,
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

    /// What was registered last stays, or is gone already.
    pub fn settle_last(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
    }

    /// Takes everything back, the last first; a line for each to tell the person, unless it says what the last one said.
    pub async fn carry_out(&self) -> Vec<String> {
        let entries = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut told = Vec::new();
        for entry in entries.into_iter().rev() {
            let reason = match tokio::time::timeout(PATIENCE, entry.run()).await {
                Ok(Ok(true)) => {
                    if told.last() != Some(&entry.done) {
                        told.push(entry.done);
                    }
                    continue;
                }
                Ok(Ok(false)) => continue,
                Ok(Err(error)) => error::explain(&error).message,
                Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
            };
            told.push(format!("{}: {reason}", entry.stays));
        }
        told
    }
}

impl Entry {
    /// Whether there was anything to take back.
    async fn run(&self) -> Result<bool> {
        let db = Db::connect(&self.endpoint, Patience::default()).await?;
        let (schema, name, own) = match &self.way {
            Way::Statement(sql) => return db.script(sql).await.map(|()| true),
            Way::Leftovers { schema, name, own } => (schema, name, own),
        };
        let start = Instant::now();
        loop {
            let found = db.all(&LEFTOVER, &[schema, name, own]).await?;
            if found.iter().any(|leftover| leftover.building) {
                if start.elapsed() >= WINDING_DOWN {
                    return Err(Error::refused("the server is still at work on it").into());
                }
                sleep(POLL).await;
                continue;
            }
            for Leftover { schema, name, .. } in &found {
                let index = format!("{}.{}", Ident(schema), Ident(name));
                db.script(&format!("drop index concurrently if exists {index}"))
                    .await?;
            }
            return Ok(!found.is_empty());
        }
    }
}
