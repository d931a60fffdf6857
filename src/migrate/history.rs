//! What ran in a database, as the database remembers it.

pub mod run;

use jiff::Timestamp;

use super::step::{self, Step};
use crate::bookkeeping;
use crate::error::Result;
use crate::pg::{Db, Query};

crate::row! {
    /// A row of the history, or none of it.
    pub struct Row {
        /// Version of our own schema.
        pub bookkeeping: i32,
        /// Number of the migration; nothing if none ran.
        pub version: Option<i64>,
        /// Its description.
        pub name: Option<String>,
        /// When, by refinery's clock, which is the client's.
        pub applied_on: Option<String>,
        /// refinery's checksum.
        pub checksum: Option<String>,
        /// When, by the server's clock.
        pub applied_at: Option<Timestamp>,
        /// By which role.
        pub applied_by: Option<String>,
        /// By whom.
        pub actor: Option<String>,
        /// By which version of this program.
        pub tool_version: Option<String>,
        /// How long it took.
        pub duration_ms: Option<i64>,
    }
}

static HISTORY: Query<Row> = crate::query!("migrate/history");

/// A migration that ran.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number.
    pub version: i64,
    /// Its description.
    pub name: String,
    /// refinery's checksum, as text.
    pub checksum: String,
    /// refinery's point in time, as text.
    pub applied_on: String,
    /// When, by the server's clock.
    pub applied_at: Option<Timestamp>,
    /// By whom.
    pub applied_by: Option<String>,
    /// How long it took.
    pub duration_ms: Option<i64>,
}

/// The whole history.
#[derive(Debug)]
pub struct History {
    /// Version of our own schema; nothing if it is not there.
    pub bookkeeping: Option<i32>,
    /// What ran, in order.
    pub rows: Vec<Record>,
    /// The statements that were begun of migrations without a transaction that are not at their end.
    pub begun: Vec<Step>,
}

impl History {
    /// Reads it; a database without our schema has an empty one.
    pub async fn read(db: &Db) -> Result<Self> {
        let rows = bookkeeping::absent_is_none(db.all(&HISTORY, &[]).await)?.unwrap_or_default();
        let bookkeeping = rows.first().map(|row| row.bookkeeping);
        if let Some(version) = bookkeeping {
            bookkeeping::refuse_newer(version)?;
        }
        let rows = rows
            .into_iter()
            .filter_map(|row| {
                let by = row.actor.or(row.applied_by);
                Some(Record {
                    version: row.version?,
                    name: row.name?,
                    checksum: row.checksum?,
                    applied_on: row.applied_on?,
                    applied_at: row.applied_at,
                    applied_by: by,
                    duration_ms: row.duration_ms,
                })
            })
            .collect();
        let knows = bookkeeping >= Some(i32::from(bookkeeping::WITH_RUNS));
        let begun = if knows {
            step::read(db).await?
        } else {
            Vec::new()
        };
        Ok(Self {
            bookkeeping,
            rows,
            begun,
        })
    }

    /// The statements of a migration that were begun, if it is not at its end.
    pub fn begun_of(&self, version: i64) -> Vec<Step> {
        let begun = self.begun.iter();
        begun
            .filter(|step| step.version == version)
            .cloned()
            .collect()
    }

    /// Whether a migration ran.
    pub fn has(&self, version: i64) -> bool {
        self.record(version).is_some()
    }

    /// How long a migration took, in milliseconds.
    pub fn duration(&self, version: i64) -> u64 {
        let duration = self.record(version).and_then(|record| record.duration_ms);
        duration
            .and_then(|millis| u64::try_from(millis).ok())
            .unwrap_or_default()
    }

    fn record(&self, version: i64) -> Option<&Record> {
        let place = self.rows.binary_search_by_key(&version, |row| row.version);
        place.ok().map(|index| &self.rows[index])
    }

    /// The last one, by number: `010_dashboard_creator`.
    pub fn current(&self) -> Option<String> {
        self.rows.last().map(|row| title(row.version, &row.name))
    }
}

/// `010_dashboard_creator` of its number and its description.
pub fn title(version: i64, name: &str) -> String {
    format!("{version:03}_{name}")
}
