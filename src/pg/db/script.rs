//! Scripts: SQL of several statements in one message, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use super::Db;
use crate::error::{Error, Result};
use crate::pg::blockers::Watch;
use crate::pg::sqlstate;

/// How many scripts of a pipeline are on their way at once.
pub const AHEAD: usize = 64;

/// How long the rest of a pipeline may take that nobody wants any more, each script of it.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How a script of several statements ended.
#[derive(Debug)]
pub struct ScriptFailure {
    /// How many statements had completed before.
    pub completed: usize,
    /// What the driver says.
    pub error: tokio_postgres::Error,
    /// Who held the lock it waited for in vain, a description each; nobody if it was something else.
    pub held_by: Vec<String>,
}

impl ScriptFailure {
    /// In our own words, with whoever was in the way.
    pub fn explain(self) -> Error {
        named(sqlstate::explain(self.error), &self.held_by)
    }

    /// The same of a lock on `what` that others hold; nothing if it failed for another reason.
    pub fn contended(&self, what: &str) -> Option<Error> {
        let server = self.error.as_db_error()?;
        if *server.code() != SqlState::LOCK_NOT_AVAILABLE {
            return None;
        }
        let holder = match self.held_by.as_slice() {
            [] => "another session".to_owned(),
            holders => holders.join(", and by "),
        };
        Some(
            Error::refused(format!("{what} is locked by {holder}")).because(sqlstate::bare(server)),
        )
    }
}

/// An error with those who held the lock.
pub(super) fn named(error: Error, held_by: &[String]) -> Error {
    if held_by.is_empty() {
        return error;
    }
    let holders = held_by.join(", and by ");
    Error::refused(format!("a lock that this needs is held by {holders}")).because(error)
}

/// How a script of several statements went.
#[derive(Debug, Clone, Copy)]
pub struct Ran {
    /// How many statements completed.
    pub completed: usize,
    /// How many rows the last of them returned or changed.
    pub rows: u64,
}

impl Db {
    /// Runs SQL of several statements in one message, for what takes no parameters.
    pub async fn script(&self, sql: &str) -> Result<()> {
        self.try_script(sql)
            .await
            .map(|_| ())
            .map_err(|failure| failure.explain().into())
    }

    /// How a script ended, with those who were in its way.
    fn failed(&self, completed: usize, error: tokio_postgres::Error) -> ScriptFailure {
        let held_by = if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            self.watch.own()
        } else {
            Vec::new()
        };
        ScriptFailure {
            completed,
            error,
            held_by,
        }
    }

    /// Runs SQL of several statements in one message. The number of statements that completed, or how many
    /// had before one failed: the only trace of the place a run-time error leaves.
    pub async fn try_script(&self, sql: &str) -> Result<usize, ScriptFailure> {
        self.try_long_script(sql, |_| ()).await
    }

    /// The same; is told after every statement how many there were.
    pub async fn try_long_script(
        &self,
        sql: &str,
        tell: impl FnMut(usize),
    ) -> Result<usize, ScriptFailure> {
        Watch::over(self, self.run_script(sql, tell))
            .await
            .map_err(|(completed, error)| self.failed(completed, error))
    }

    async fn run_script(
        &self,
        sql: &str,
        mut tell: impl FnMut(usize),
    ) -> Result<usize, (usize, tokio_postgres::Error)> {
        let mut completed = 0;
        self.trace(sql, || {
            let first: String = sql
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(72)
                .collect();
            format!("script: {first}")
        });
        let stream = self
            .client
            .simple_query_raw(sql)
            .await
            .map_err(|error| (completed, error))?;
        let mut stream = std::pin::pin!(stream);
        loop {
            match stream.try_next().await {
                Ok(Some(SimpleQueryMessage::CommandComplete(_))) => {
                    completed += 1;
                    tell(completed);
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(completed),
                Err(error) => return Err((completed, error)),
            }
        }
    }

    /// Sends scripts one after the other without waiting for their answers, [`AHEAD`] of them at most, and is told of
    /// each in order how it ended. Once the answer is no, no more are sent, and those on their way are cancelled
    /// unless they end at once.
    pub async fn pipeline<'a>(
        &self,
        scripts: impl Iterator<Item = &'a str>,
        mut tell: impl FnMut(Result<Ran, ScriptFailure>) -> bool,
    ) {
        let mut scripts = scripts.fuse();
        let mut sent = VecDeque::new();
        let mut going = true;
        loop {
            while going && sent.len() < AHEAD {
                let Some(sql) = scripts.next() else { break };
                self.trace(sql, || "script".to_owned());
                // It is on its way when this returns; the answer is in the stream.
                sent.push_back(self.client.simple_query_raw(sql).await);
            }
            let Some(stream) = sent.pop_front() else {
                return;
            };
            let mut ran = std::pin::pin!(async {
                let ran = match stream {
                    Ok(stream) => Watch::over(self, finish(stream)).await,
                    Err(error) => Err((0, error)),
                };
                ran.map_err(|(completed, error)| self.failed(completed, error))
            });
            if going {
                going = tell(ran.await);
            } else if tokio::time::timeout(AT_ONCE, &mut ran).await.is_err() {
                self.cancel().cancel().await;
                let _ = ran.await;
            }
        }
    }
}

/// Waits for the end of a script.
async fn finish(stream: SimpleQueryStream) -> Result<Ran, (usize, tokio_postgres::Error)> {
    let mut stream = std::pin::pin!(stream);
    let (mut completed, mut rows) = (0, 0);
    loop {
        match stream.try_next().await {
            Ok(Some(SimpleQueryMessage::CommandComplete(count))) => {
                completed += 1;
                rows = count;
            }
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Ran { completed, rows }),
            Err(error) => return Err((completed, error)),
        }
    }
}
