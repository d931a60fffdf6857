//! Attempts at migrations: what was tried, how it ended, who did it, when and from where.

use jiff::Timestamp;
use serde::Serialize;

use super::super::named::Named;
use crate::bookkeeping;
use crate::error::Result;
use crate::pg::{Db, Param, Query};

crate::row! {
    /// An attempt.
    pub struct Run {
        /// Which one, in the order in which they were made.
        pub id: i64,
        /// Number of the migration.
        pub version: i64,
        /// Its description.
        pub name: String,
        /// `up`, `down`, `baseline` or `repair`.
        pub action: String,
        /// `done` or `failed`.
        pub outcome: String,
        /// When it began, by the server's clock.
        pub started_at: Timestamp,
        /// How long it took.
        pub duration_ms: i64,
        /// By whom.
        pub actor: Option<String>,
        /// As which role.
        pub role: String,
        /// From which address; nothing by way of a socket.
        pub client: Option<String>,
        /// With which version of this program.
        pub tool_version: Option<String>,
        /// How many statements ran.
        pub statements: Option<i32>,
        /// refinery's checksum of what was tried.
        pub checksum: Option<String>,
        /// The server's code of what went wrong.
        pub sqlstate: Option<String>,
        /// Why it failed, or what else there is to say.
        pub message: Option<String>,
        /// How many attempts there are in all.
        #[serde(skip)]
        pub total: i64,
    }
}

static RUNS: Query<Run> = crate::query!("migrate/runs");
static APPLIED: Query<Run> = crate::query!("migrate/applied");

/// Attempts, the newest last.
#[derive(Debug, Serialize)]
pub struct Runs {
    /// Whether every attempt is remembered; an older database remembers only what was applied.
    pub complete: bool,
    /// How many there are, also those not asked for.
    pub total: i64,
    /// The newest of them, the newest last.
    pub runs: Vec<Run>,
    /// Whether the database remembers anything at all.
    #[serde(skip)]
    pub installed: bool,
    /// Whose they are, if only one migration's were asked for.
    #[serde(skip)]
    pub only: Option<Named>,
}

impl Runs {
    /// Reads the newest `limit` attempts, of all migrations or of the one that is named.
    pub async fn read(db: &Db, limit: u32, only: Option<Named>) -> Result<Self> {
        let installed = bookkeeping::installed(db).await?;
        let complete = installed.is_some_and(|found| found >= i32::from(bookkeeping::WITH_RUNS));
        let runs = match installed {
            None => Vec::new(),
            Some(version) => {
                bookkeeping::refuse_newer(version)?;
                let query = if complete { &RUNS } else { &APPLIED };
                let (version, name) = only
                    .as_ref()
                    .map_or((None, None), |only| (only.version, only.name.clone()));
                let params: [&dyn Param; 3] = [&i64::from(limit), &version, &name];
                db.all(query, &params).await?
            }
        };
        Ok(Self {
            complete,
            total: runs.first().map_or(0, |run| run.total),
            runs,
            installed: installed.is_some(),
            only,
        })
    }

    /// How many of the attempts shown failed.
    pub fn failed(&self) -> usize {
        let failed = |run: &&Run| run.outcome == "failed";
        self.runs.iter().filter(failed).count()
    }
}
