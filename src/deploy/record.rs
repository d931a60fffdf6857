//! The row that tells of a deploy. It is written at its start and at its end, each time for good, so that one that was
//! killed can be seen.

use super::parts::{self, Did};
use super::revision::Revision;
use crate::bookkeeping;
use crate::error::Result;
use crate::pg::{Db, Param, Query, RunContext, lock};

crate::row! {
    /// Which deploy.
    pub struct Number {
        /// Its number.
        pub id: i64,
    }
}

static BEGIN: Query<Number> = crate::query!("deploy/begin");
static TELL: Query<Number> = crate::query!("deploy/tell");

/// How a deploy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Running,
    Done,
    Failed,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Makes sure that there is a place for the row. Whether our own schema was there in an older version.
pub(super) async fn ready(db: &Db, run: RunContext<'_>) -> Result<bool> {
    let is_old =
        |found: Option<i32>| found.is_none_or(|found| found < i32::from(bookkeeping::VERSION));
    if !is_old(bookkeeping::installed(db).await?) {
        return Ok(false);
    }
    lock::acquire(db, &lock::MIGRATE, run).await?;
    let installed = match bookkeeping::installed(db).await {
        Ok(found) => bookkeeping::install(db, found)
            .await
            .map(|made| made && found.is_some()),
        Err(error) => Err(error),
    };
    lock::end(db, &lock::MIGRATE, installed).await
}

/// Writes that a deploy begins, or that there was nothing to do; its number.
pub(super) async fn begin(
    db: &Db,
    outcome: Outcome,
    revision: Option<&Revision>,
    stages: &[Did],
) -> Result<i64> {
    let commit = revision.map(|revision| revision.commit.clone());
    let dirty = revision.and_then(|revision| revision.dirty);
    let stages = parts::as_document(stages)?;
    // Whoever has the lock knows that nobody else is at it.
    let others = outcome != Outcome::Running && lock::is_taken(db, &lock::DEPLOY).await?;
    let params: [&dyn Param; 5] = [&outcome.word(), &commit, &dirty, &stages, &others];
    Ok(db.one(&BEGIN, &params).await?.id)
}

/// Writes how far it came, or how it ended.
pub(super) async fn tell(
    db: &Db,
    id: i64,
    outcome: Outcome,
    stages: &[Did],
    message: Option<&str>,
) -> Result<()> {
    let stages = parts::as_document(stages)?;
    let params: [&dyn Param; 4] = [&id, &outcome.word(), &stages, &message];
    db.one(&TELL, &params).await.map(|_| ())
}
