//! Carrying out a deploy, part by part.

use std::time::Instant;

use serde::Serialize;

use super::Revision;
use super::doing::Came;
use super::parts::{Did, Part, State};
use super::plan::Work;
use super::record::{self, Outcome};
use super::story::{self, message};
use super::told::Told;
use crate::backup;
use crate::error::{Error, Result};
use crate::pg::{Db, Patience, RunContext, lock};
use crate::plan::Consent;
use crate::policy::matrix::tested::Cell;

/// What a deploy did.
#[derive(Debug, Serialize)]
pub struct Deployed {
    /// Its number in the database.
    pub id: i64,
    /// `done`, or `failed` if the matrix was not as it should be.
    pub outcome: &'static str,
    /// What each part did.
    pub stages: Vec<Did>,
    /// Cells of the matrix that were not as they should be, for which no policy was changed.
    pub wrong: Vec<Cell>,
    /// The revision of the files.
    #[serde(flatten)]
    pub revision: Option<Revision>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How many things there are that no file declares, as far as that is known.
    #[serde(skip)]
    pub undeclared: usize,
}

/// Does it. Under the lock every part is planned again, and none does more than was agreed to.
pub async fn deploy(
    db: &Db,
    mut work: Work,
    consent: Consent,
    revision: Option<Revision>,
    context: RunContext<'_>,
) -> Result<Deployed> {
    let start = Instant::now();
    let told = Told(context.progress);
    let context = RunContext {
        progress: &told,
        ..context
    };
    let mut deployed = Deployed {
        id: 0,
        outcome: Outcome::Done.word(),
        stages: Vec::new(),
        wrong: Vec::new(),
        revision,
        duration_ms: 0,
        undeclared: work.undeclared,
    };
    if work.is_nothing() {
        deployed.stages = [Part::Migrations, Part::Policies, Part::Indexes]
            .map(|part| Did {
                state: State::Nothing,
                ..Did::ahead(part)
            })
            .into();
        let revision = deployed.revision.as_ref();
        let stages = &deployed.stages;
        deployed.id = record::begin(db, Outcome::Done, revision, stages).await?;
        deployed.duration_ms = since(start);
        return Ok(deployed);
    }
    lock::acquire(db, &lock::DEPLOY, context).await?;
    let upgraded = record::ready(db, context).await?;
    let order = work.backup.take();
    let parts = Part::ALL
        .into_iter()
        .filter(|part| *part != Part::Backup || order.is_some());
    deployed.stages = parts.map(Did::ahead).collect();
    let revision = deployed.revision.as_ref();
    deployed.id = record::begin(db, Outcome::Running, revision, &deployed.stages).await?;
    let mut run = Run {
        work: &work,
        consent: &consent,
        context,
        first: db,
        second: None,
        upgraded,
        deployed: &mut deployed,
    };
    let ended = Box::pin(run.all(order)).await;
    let ended = Box::pin(run.write_down(ended)).await;
    deployed.duration_ms = since(start);
    ended.map(|()| deployed)
}

fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

pub(super) struct Run<'a> {
    pub work: &'a Work,
    pub consent: &'a Consent,
    pub context: RunContext<'a>,
    first: &'a Db,
    /// Took the place of the first session when that was lost.
    pub second: Option<Db>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
    pub deployed: &'a mut Deployed,
}

impl Run<'_> {
    /// All parts, or the first failure.
    async fn all(&mut self, order: Option<backup::Order>) -> Result<()> {
        if let Some(order) = order {
            let start = Instant::now();
            let came = Box::pin(self.backup(order)).await;
            self.ended(Part::Backup, start, came).await?;
        }
        let start = Instant::now();
        let came = Box::pin(self.migrations()).await;
        self.ended(Part::Migrations, start, came).await?;
        let start = Instant::now();
        let came = Box::pin(self.policies()).await;
        self.ended(Part::Policies, start, came).await?;
        if !self.deployed.wrong.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let came = Box::pin(self.indexes()).await;
        self.ended(Part::Indexes, start, came).await
    }

    pub fn db(&self) -> &Db {
        self.second.as_ref().unwrap_or(self.first)
    }

    /// What became of a part; the database remembers it too.
    async fn ended(&mut self, part: Part, start: Instant, came: Result<Came>) -> Result<()> {
        let mut failure = None;
        if let Some(did) = self.did(part) {
            did.duration_ms = since(start);
            match came {
                Ok(came) => {
                    did.state = came.state;
                    did.changes = came.changes;
                    did.detail = came.detail;
                }
                Err(error) => {
                    did.state = State::Failed;
                    failure = Some(error);
                }
            }
        }
        if let Some(failure) = failure {
            return Err(story::stopped(part, &failure, &self.deployed.stages));
        }
        if self.deployed.wrong.is_empty() && part != Part::Indexes {
            let Deployed { id, stages, .. } = &*self.deployed;
            record::tell(self.db(), *id, Outcome::Running, stages, None).await?;
        }
        Ok(())
    }

    pub fn did(&mut self, part: Part) -> Option<&mut Did> {
        self.deployed.stages.iter_mut().find(|did| did.part == part)
    }

    /// The end of it, whatever it is.
    async fn write_down(&mut self, ended: Result<()>) -> Result<()> {
        let (outcome, why) = match &ended {
            Ok(()) if self.deployed.wrong.is_empty() => (Outcome::Done, None),
            Ok(()) => (
                Outcome::Failed,
                Some("the matrix was not as it should be".to_owned()),
            ),
            Err(failure) => (Outcome::Failed, Some(message(failure))),
        };
        self.deployed.outcome = outcome.word();
        if ended.is_err() {
            // What failed may have left a transaction open, or no connection at all.
            if self.db().is_lost() {
                let again = Db::connect(self.db().endpoint(), Patience::default()).await;
                self.second = again.ok().or(self.second.take());
            } else {
                let _ = self.db().script("rollback").await;
            }
        }
        let Deployed { id, stages, .. } = &*self.deployed;
        let written = record::tell(self.db(), *id, outcome, stages, why.as_deref()).await;
        let _ = lock::release(self.db(), &lock::DEPLOY).await;
        ended?;
        written.map_err(|error| {
            Error::failed("all of it was done, but that could not be written down")
                .after(&error)
                .into()
        })
    }
}
