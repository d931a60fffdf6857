//! A run that may outlive its session: when the connection is lost, what became of the migration is found out.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::engine::Engine;
use super::file::Migration;
use super::history::History;
use super::runner::{self, Halted, Order, Ran};
use super::up::{Wish, settle, unfinished};
use super::{preflight, record, story};
use crate::error::{self, Kind, Result};
use crate::pg::{Db, Patience, RunContext, lock};
use crate::plan::Event;

/// A run, which may need more than one session.
pub(super) struct Run<'a> {
    pub all: &'a [Migration],
    pub source: &'a str,
    pub wish: Wish,
    pub context: RunContext<'a>,
}

/// How long a server may take to come back.
const COMEBACK: Duration = Duration::from_secs(10);

/// How often is asked whether it has.
const POLL: Duration = Duration::from_millis(250);

impl Run<'_> {
    /// Applies what is pending, in the order of versions. The lock is ours, and given back at the end.
    pub(super) async fn all_of(
        &self,
        db: &Db,
        mut pending: Vec<&Migration>,
        mut last: Option<String>,
    ) -> Result<Vec<Ran>> {
        let mut second = None;
        let mut applied = Vec::new();
        loop {
            let db = second.as_ref().unwrap_or(db);
            let engine = Engine {
                db,
                run: self.context,
            };
            let order = Order {
                all: self.all,
                pending: &pending,
                last: last.clone(),
                grouped: self.wish.one_transaction,
            };
            let Halted {
                ran,
                error,
                unknown,
            } = match runner::run(&engine, order).await {
                Ok(ran) => {
                    applied.extend(ran);
                    lock::release(db, &lock::MIGRATE).await?;
                    return Ok(applied);
                }
                Err(halted) => halted,
            };
            let known = ran.len();
            applied.extend(ran);
            let Some(version) = unknown else {
                return lock::end(db, &lock::MIGRATE, Err(error)).await;
            };
            let before = applied.last().map(|ran| ran.migration.clone());
            let before = before.or_else(|| last.clone());
            let (again, history) = self.find_out(db, version, error, before.as_deref()).await?;
            let found = pending
                .iter()
                .filter(|migration| history.has(migration.version));
            for migration in found.skip(known) {
                self.context.progress.happened(&Event {
                    event: "applied",
                    object: migration.title(),
                    numbers: &[],
                    message: Some("the connection was lost before the server's answer came"),
                    line: format!(
                        "applied {} (the connection was lost before the server's answer came)",
                        migration.title()
                    ),
                });
                applied.push(Ran {
                    migration: migration.title().to_owned(),
                    statements: preflight::count(migration),
                    duration_ms: history.duration(migration.version),
                });
            }
            last = history.current();
            pending = settle(self.all, &history, self.source, self.wish)?;
            if pending.is_empty() {
                lock::release(&again, &lock::MIGRATE).await?;
                return Ok(applied);
            }
            second = Some(again);
        }
    }

    /// The connection was lost while a migration ran: connects again, and finds out what became of it. The migration
    /// is there, or this is an error that says how much of it is.
    async fn find_out(
        &self,
        db: &Db,
        version: i64,
        halted: anyhow::Error,
        last: Option<&str>,
    ) -> Result<(Db, History)> {
        let progress = self.context.progress;
        let migration = self
            .all
            .iter()
            .find(|migration| migration.version == version);
        let Some(migration) = migration else {
            return Err(halted);
        };
        progress.warn(&format!(
            "the connection was lost while {} ran; connecting again to find out what became of it",
            migration.title()
        ));
        let Some(again) = come_back(db).await else {
            return Err(halted);
        };
        self.context.sessions.attend(&again);
        // The server may still be at it, in the session that was lost.
        lock::hand_over(db, &again, &lock::MIGRATE, self.context).await?;
        let history = History::read(&again).await?;
        if history.has(version) {
            return Ok((again, history));
        }
        let progressed = unfinished(&history, migration)?;
        // That it failed counts; that this could not be written down as well is no news.
        let _ = again.script(&record::lost(migration)).await;
        let found = story::found_out(migration, progressed, &halted, last);
        lock::end(&again, &lock::MIGRATE, Err(found)).await
    }
}

async fn come_back(db: &Db) -> Option<Db> {
    let start = Instant::now();
    loop {
        match Db::connect(db.endpoint(), Patience::default()).await {
            Ok(again) => return Some(again),
            Err(error) if start.elapsed() < COMEBACK && may_pass(&error) => sleep(POLL).await,
            Err(_) => return None,
        }
    }
}

/// Whether the server may let us in a moment later.
fn may_pass(error: &anyhow::Error) -> bool {
    error::explain(error).kind == Kind::Unreachable
}
