//! refinery drives; this is the vehicle.
//!
//! refinery decides what runs in which order and writes the history rows; how a file and its rows get to the server
//! is ours ([`Engine`]).

use std::time::{Duration, Instant};

use refinery::{Migration as Refined, Runner, Target};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::engine::{Engine, Work};
use super::file::Migration;
use super::history::History;
use super::record::{closing, remember, remember_failure, text_of, took};
use super::stepping::Stopped;
use super::story::{self, Kept};
use super::transaction::{Among, Failure, Stage};
use crate::error::{Error, Kind, Result};
use crate::plan::{Event, counted, spent};

const TABLE: &str = "toysoldiers.history";

/// A migration that ran just now.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    /// `005_creators`.
    pub migration: String,
    /// How many statements it holds.
    pub statements: usize,
    /// How long it took, there and back, in milliseconds.
    pub duration_ms: u64,
}

/// How a run ended that did not end well.
pub(super) struct Halted {
    /// What had run.
    pub ran: Vec<Ran>,
    /// What went wrong.
    pub error: anyhow::Error,
    /// The migration whose end is not known, because the connection was lost.
    pub unknown: Option<i64>,
}

/// What is to be run.
pub(super) struct Order<'a> {
    pub all: &'a [Migration],
    /// What refinery will find pending among them.
    pub pending: &'a [&'a Migration],
    /// What ran before.
    pub last: Option<String>,
    /// Whether all of it is one transaction.
    pub grouped: bool,
}

/// Applies what is pending.
pub(super) async fn run(engine: &Engine<'_>, order: Order<'_>) -> Result<Vec<Ran>, Halted> {
    let newest = order.pending.last().map(|migration| migration.version);
    let all: Result<Vec<Refined>> = order
        .all
        .iter()
        .take_while(|migration| newest.is_some_and(|newest| migration.version <= newest))
        .map(Migration::refined)
        .collect();
    let all = all.map_err(|error| Halted {
        ran: Vec::new(),
        error,
        unknown: None,
    })?;
    let mut vehicle = Vehicle {
        engine,
        pending: order.pending.iter().rev().copied().collect(),
        last: order.last,
        ran: Vec::new(),
        halt: None,
    };
    let mut runner = Runner::new(&all)
        .set_target(newest.map_or(Target::Latest, Target::Version))
        .set_grouped(order.grouped);
    runner.set_migration_table_name(TABLE);
    let outcome = runner.run_async(&mut vehicle).await;
    let Vehicle { ran, halt, .. } = vehicle;
    // What is asked next is asked as before the first file.
    let reset = engine.db.reset().await;
    if let Some((error, unknown)) = halt {
        return Err(Halted {
            ran,
            error,
            unknown,
        });
    }
    match outcome {
        Ok(_) => match reset {
            Ok(()) => Ok(ran),
            Err(error) => Err(Halted {
                ran,
                error,
                unknown: None,
            }),
        },
        Err(error) => Err(Halted {
            ran,
            error: Error::new(Kind::Bug, "refinery sees the history otherwise than we do")
                .because(error)
                .into(),
            unknown: None,
        }),
    }
}

struct Vehicle<'a> {
    engine: &'a Engine<'a>,
    /// Last first.
    pending: Vec<&'a Migration>,
    last: Option<String>,
    ran: Vec<Ran>,
    /// The whole story of a failure, and the migration whose end is not known; refinery only hears that there was
    /// one.
    halt: Option<(anyhow::Error, Option<i64>)>,
}

/// What refinery hears.
#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the migration failed")
    }
}

impl std::error::Error for Failed {}

impl AsyncTransaction for Vehicle<'_> {
    type Error = Failed;

    /// Called with nothing to assert the table, which is there, and with a file and its history row for each
    /// migration: by itself, or all of them if they share a transaction.
    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Failed> {
        let queries: Vec<&str> = queries.collect();
        let records: Vec<&str> = queries.iter().skip(1).step_by(2).copied().collect();
        if records.is_empty() {
            return Ok(0);
        }
        let start = self.pending.len().saturating_sub(records.len());
        let mut batch = self.pending.split_off(start);
        batch.reverse();
        let done = if batch.len() == records.len() {
            self.apply(&batch, &records).await
        } else {
            let message = "refinery runs a migration that is not pending";
            Err((Error::new(Kind::Bug, message).into(), None))
        };
        done.map(|()| batch.len()).map_err(|halt| {
            self.halt = Some(halt);
            Failed
        })
    }
}

impl AsyncQuery<Vec<Refined>> for Vehicle<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Refined>, Failed> {
        let read = History::read(self.engine.db).await.and_then(|history| {
            let rows = history.rows.into_iter();
            rows.map(|row| {
                let applied_on = OffsetDateTime::parse(&row.applied_on, &Rfc3339)?;
                Ok(Refined::applied(
                    row.version,
                    row.name,
                    applied_on,
                    row.checksum.parse()?,
                ))
            })
            .collect()
        });
        read.map_err(|error| {
            let error = Error::failed("the history cannot be read").after(&error);
            self.halt = Some((error.into(), None));
            Failed
        })
    }
}

impl AsyncMigrate for Vehicle<'_> {
    fn assert_migrations_table_query(_name: &str) -> String {
        // Made before, with the rest of our schema.
        String::new()
    }
}

type Halt = (anyhow::Error, Option<i64>);

impl Vehicle<'_> {
    /// Applies migrations: one by itself, or several in one transaction.
    async fn apply(&mut self, batch: &[&Migration], records: &[&str]) -> Result<(), Halt> {
        let works: Vec<Work<'_>> = batch.iter().map(|migration| Work::of(migration)).collect();
        for work in &works {
            self.engine.run.progress.happened(&Event {
                event: "applying",
                object: work.migration.title(),
                numbers: &[],
                message: None,
                line: String::new(),
            });
        }
        match works.as_slice() {
            [work] if !work.directives.transaction => self.step_through(work, records[0]).await,
            works => self.transact(works, records).await,
        }
    }

    /// In a transaction.
    async fn transact(&mut self, works: &[Work<'_>], records: &[&str]) -> Result<(), Halt> {
        let engine = self.engine;
        let Some((first, last)) = works.first().zip(works.last()) else {
            return Ok(());
        };
        let what = match works {
            [work] => work.migration.title().to_owned(),
            _ => format!("{} to {}", first.migration.title(), last.migration.title()),
        };
        // Whom a failure is about, and since when.
        let (mut at, mut since, begun) = (0, Instant::now(), Instant::now());
        let mut attempts = engine.attempts(&what, &first.directives);
        let outcome = loop {
            let attempt = self.attempt(works, records, &mut at, &mut since);
            match attempts.attempt(attempt).await {
                Ok(ran) => break Ok(ran),
                Err(failure) => {
                    if let Err(failure) = attempts.pause(failure).await {
                        break Err(failure);
                    }
                }
            }
        };
        match outcome {
            Ok(ran) => {
                for (work, (statements, time)) in works.iter().zip(ran) {
                    self.tell(work.migration, statements, time);
                }
                Ok(())
            }
            Err(failure) => {
                let kept = if works.len() > 1 {
                    Kept::NothingOfMany(works.len())
                } else {
                    Kept::Nothing
                };
                Err(self
                    .halted(&works[at], failure, kept, begun.elapsed())
                    .await)
            }
        }
    }

    /// Sends them all once; statements and time of each.
    async fn attempt(
        &self,
        works: &[Work<'_>],
        records: &[&str],
        at: &mut usize,
        since: &mut Instant,
    ) -> Result<Vec<(usize, Duration)>, Failure> {
        let engine = self.engine;
        let mut ran = Vec::new();
        for (index, (work, record)) in works.iter().zip(records).enumerate() {
            (*at, *since) = (index, Instant::now());
            let title = work.migration.title();
            engine.run.progress.working(&format!("applying {title}"));
            let among = Among {
                first: index == 0,
                last: index + 1 == works.len(),
            };
            let lead = engine.settings(work, among.until());
            let closing = closing(work, record, &lead);
            let sent = engine.send(work, among, &lead, &closing).await;
            engine.pass_on_notices(work.migration);
            match sent {
                Ok(statements) => ran.push((statements, since.elapsed())),
                Err(failure) => {
                    engine.rollback().await;
                    return Err(failure);
                }
            }
        }
        Ok(ran)
    }

    /// Without a transaction.
    async fn step_through(&mut self, work: &Work<'_>, record: &str) -> Result<(), Halt> {
        let engine = self.engine;
        let start = Instant::now();
        let title = work.migration.title();
        engine.run.progress.working(&format!("applying {title}"));
        let text = text_of(work);
        let closing = |millis: u128| {
            let began = format!("(clock_timestamp()-interval '{millis} ms')");
            let run = remember(work, "up", &text, &began);
            format!("{record};{};{run}", took(work, &began))
        };
        let outcome = Box::pin(engine.step_through(work, closing)).await;
        engine.pass_on_notices(work.migration);
        match outcome {
            Ok(statements) => {
                self.tell(work.migration, statements, start.elapsed());
                Ok(())
            }
            Err(Stopped::Before(error)) => Err((error, None)),
            Err(Stopped::At(failure, done)) => {
                let total = work.script.all().count();
                let kept = Kept::Some { done, total };
                Err(self.halted(work, failure, kept, start.elapsed()).await)
            }
        }
    }

    fn tell(&mut self, migration: &Migration, statements: usize, time: Duration) {
        let progress = self.engine.run.progress;
        let duration_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let title = migration.title();
        let numbers = [
            ("statements", u64::try_from(statements).unwrap_or(u64::MAX)),
            ("duration_ms", duration_ms),
        ];
        progress.happened(&Event {
            event: "applied",
            object: title,
            numbers: &numbers,
            message: None,
            line: format!(
                "applied {title} ({}, {})",
                counted(statements, "statement"),
                spent(time)
            ),
        });
        if statements == 0 {
            progress.warn(&format!(
                "{} holds no statement; it was recorded all the same",
                migration.path
            ));
        }
        self.ran.push(Ran {
            migration: title.to_owned(),
            statements,
            duration_ms,
        });
    }

    /// Remembers a failure, and tells its story.
    async fn halted(&self, work: &Work<'_>, failure: Failure, kept: Kept, took: Duration) -> Halt {
        let migration = work.migration;
        if failure.is_lost() {
            let last = self.last();
            return (
                story::lost(migration, failure, last),
                Some(migration.version),
            );
        }
        if failure.stage == Stage::Lock {
            // It was not even tried.
            return (story::failed(work, failure, kept, self.last()), None);
        }
        let db = self.engine.db;
        // The file may have left the session as somebody else's. The failure counts; that it could not be written down
        // as well is no news.
        if db.reset().await.is_ok() {
            let _ = db
                .script(&remember_failure(migration, "up", &failure, took))
                .await;
        }
        (story::failed(work, failure, kept, self.last()), None)
    }

    fn last(&self) -> Option<&str> {
        let ran = self.ran.last().map(|ran| ran.migration.as_str());
        ran.or(self.last.as_deref())
    }
}
