//! Which deploys there were: who, when, from which revision, and how each ended.

use jiff::Timestamp;
use serde::Serialize;

use super::parts::Did;
use crate::bookkeeping;
use crate::error::Result;
use crate::pg::{Db, Query, lock};

crate::row! {
    /// A deploy as it is remembered.
    pub struct Row {
        /// Its number.
        pub id: i64,
        /// `running`, `done`, `failed`, or `lost` if it was killed.
        pub outcome: String,
        /// When it began, by the server's clock.
        pub started_at: Timestamp,
        /// When it ended.
        pub finished_at: Option<Timestamp>,
        /// How long it took.
        pub duration_ms: Option<i64>,
        /// By whom.
        pub actor: String,
        /// As which role.
        pub role: String,
        /// From which address; nothing by way of a socket.
        pub client: Option<String>,
        /// With which version of this program.
        pub tool_version: String,
        /// The commit of the files.
        pub revision: Option<String>,
        /// Whether they had been changed since.
        pub dirty: Option<bool>,
        /// What each part did.
        pub stages: serde_json::Value,
        /// Why it failed.
        pub message: Option<String>,
        /// How many there are in all.
        #[serde(skip)]
        pub total: i64,
    }
}

static HISTORY: Query<Row> = crate::query!("deploy/history");

/// Deploys, the newest last.
#[derive(Debug, Serialize)]
pub struct Deploys {
    /// How many there are, also those not asked for.
    pub total: i64,
    /// The newest of them, the newest last.
    pub deploys: Vec<Row>,
}

impl Row {
    /// What its parts did, as far as it can be read.
    pub fn parts(&self) -> Vec<Did> {
        serde_json::from_value(self.stages.clone()).unwrap_or_default()
    }
}

impl Deploys {
    /// Reads the newest `limit` of them. A database that remembers none has none.
    pub async fn read(db: &Db, limit: u32) -> Result<Self> {
        let at_work = lock::is_taken(db, &lock::DEPLOY).await?;
        let rows = db.all(&HISTORY, &[&i64::from(limit), &at_work]).await;
        let deploys = bookkeeping::absent_is_none(rows)?.unwrap_or_default();
        Ok(Self {
            total: deploys.first().map_or(0, |row| row.total),
            deploys,
        })
    }
}
