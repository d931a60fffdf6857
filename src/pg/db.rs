//! A session, and asking through it.
//!
//! A question is one round trip and leaves nothing prepared behind. Through a pooler that gives every transaction
//! another session, a question is a transaction of its own, with the settings it relies on, and still one round
//! trip.

use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::error::DbError;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage, SimpleQueryStream};

use super::endpoint::Endpoint;
use super::pooler::Pooling;
use super::query::{FromRow, Param, Query};
use super::session::{Hello, Patience, Scope};
use super::socket::{Clue, Socket};
use super::tls::{Seen, Tls};
use super::{sqlstate, tools};
use crate::error::{Error, Kind, Result};

/// Rows travel in pieces of this many bytes.
const CHUNK: usize = 64 << 10;

/// How many scripts of a pipeline are on their way at once.
pub const AHEAD: usize = 64;

/// How long the rest of a pipeline may take that nobody wants any more, each script of it.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Is told of every question and of its SQL. Never of the values in it, which may be secret.
pub type Tracer = Box<dyn Fn(&str, &str) + Send + Sync>;

/// One session.
pub struct Db {
    pub(super) client: Client,
    pub(super) notices: Arc<Mutex<VecDeque<DbError>>>,
    pub(super) version: String,
    pub(super) endpoint: Endpoint,
    pub(super) tls: Option<Tls>,
    pub(super) clue: Clue,
    pub(super) hello: Option<Hello>,
    pub(super) pooling: Pooling,
    pub(super) patience: Mutex<Patience>,
    /// Whether a transaction of several questions is open.
    pub(super) in_transaction: AtomicBool,
    pub(super) tracer: Option<Tracer>,
}

/// How a script of several statements ended.
#[derive(Debug)]
pub struct ScriptFailure {
    /// How many statements had completed before.
    pub completed: usize,
    /// What the driver says.
    pub error: tokio_postgres::Error,
}

/// How a script of several statements went.
#[derive(Debug, Clone, Copy)]
pub struct Ran {
    /// How many statements completed.
    pub completed: usize,
    /// How many rows the last of them returned or changed.
    pub rows: u64,
}

/// Stops what a session is doing, from outside, by the way the session came.
#[derive(Clone)]
pub struct Cancel {
    token: tokio_postgres::CancelToken,
    endpoint: Endpoint,
}

impl Cancel {
    /// Asks the server to cancel the running statement; best effort, bounded in time.
    pub async fn cancel(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.send()).await;
    }

    async fn send(&self) -> Result<()> {
        let place = &self.endpoint.places()[0];
        let tls = Tls::prepare(&self.endpoint, place)?;
        let (socket, _) = Socket::open(&self.endpoint).await?;
        match tls {
            Some(tls) => self.token.cancel_query_raw(socket, tls.connector()).await?,
            None => self.token.cancel_query_raw(socket, NoTls).await?,
        }
        Ok(())
    }
}

impl Db {
    /// Tells of every question from now on.
    #[must_use]
    pub fn traced(mut self, tracer: Option<Tracer>) -> Self {
        self.tracer = tracer;
        self
    }

    /// Ends the session, in good order.
    pub async fn close(self) {
        drop(self);
        // Whoever attends to the connection says goodbye; this is its turn.
        tokio::task::yield_now().await;
    }

    fn trace(&self, sql: &str, what: impl FnOnce() -> String) {
        if let Some(tracer) = &self.tracer {
            tracer(&what(), sql);
        }
    }

    /// The server's version as it gives it: `15.18 (Debian 15.18-0+deb12u1)`.
    pub fn server_version(&self) -> &str {
        &self.version
    }

    /// The server's major version.
    pub fn server_major(&self) -> u32 {
        tools::major(&self.version)
    }

    /// Whether the connection is known to be gone.
    pub fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    /// The way in: the one place that was reached, with the password that was used.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What TLS came to; nothing without it.
    pub fn tls(&self) -> Option<Seen> {
        self.tls.as_ref().and_then(Tls::seen)
    }

    /// Who answered first.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// What is between us and the server.
    pub fn pooling(&self) -> &Pooling {
        &self.pooling
    }

    pub(super) fn patience(&self) -> Patience {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait_for(&self, patience: Patience) {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    /// All rows.
    pub async fn all<R: FromRow>(&self, query: &Query<R>, params: &[&dyn Param]) -> Result<Vec<R>> {
        if self.pooling.keeps_sessions() || self.in_transaction.load(Ordering::Relaxed) {
            return self.send(query, params).await;
        }
        // They travel together; the first that failed says why.
        let (begun, set, rows, committed) = tokio::join!(
            self.script("begin"),
            self.make_settings(Scope::Transaction),
            self.send(query, params),
            self.script("commit"),
        );
        begun?;
        set?;
        let rows = rows?;
        committed?;
        Ok(rows)
    }

    /// Asks, as things are.
    pub(super) async fn send<R: FromRow>(
        &self,
        query: &Query<R>,
        params: &[&dyn Param],
    ) -> Result<Vec<R>> {
        let params: Vec<_> = params
            .iter()
            .map(|param| (param.value(), param.sql_type()))
            .collect();
        let start = Instant::now();
        let rows = self
            .client
            .query_typed(&query.sql, &params)
            .await
            .map_err(|error| asked(query.name, error))?;
        self.trace(&query.sql, || {
            format!(
                "{}: {} rows in {:.1?}",
                query.name,
                rows.len(),
                start.elapsed()
            )
        });
        rows.iter()
            .map(|row| R::from_row(row).map_err(|error| asked(query.name, error)))
            .collect()
    }

    /// The one row, if there is one.
    pub async fn opt<R: FromRow>(
        &self,
        query: &Query<R>,
        params: &[&dyn Param],
    ) -> Result<Option<R>> {
        Ok(self.all(query, params).await?.pop())
    }

    /// The one row there always is.
    pub async fn one<R: FromRow>(&self, query: &Query<R>, params: &[&dyn Param]) -> Result<R> {
        self.opt(query, params).await?.ok_or_else(|| {
            Error::new(Kind::Bug, format!("{} answered without a row", query.name)).into()
        })
    }

    /// From here to [`Db::end`] every question is answered from the same snapshot.
    pub async fn begin_snapshot(&self) -> Result<()> {
        let begin = self.script("begin isolation level repeatable read, read only");
        if self.pooling.keeps_sessions() {
            begin.await?;
        } else {
            let (first, second) = tokio::join!(begin, self.make_settings(Scope::Transaction));
            first?;
            second?;
        }
        self.in_transaction.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The last question of a snapshot was asked.
    pub async fn end(&self) -> Result<()> {
        self.in_transaction.store(false, Ordering::Relaxed);
        self.script("commit").await
    }

    /// Runs SQL of several statements in one message, for what takes no parameters.
    pub async fn script(&self, sql: &str) -> Result<()> {
        self.try_script(sql)
            .await
            .map(|_| ())
            .map_err(|failure| sqlstate::explain(failure.error).into())
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
        mut tell: impl FnMut(usize),
    ) -> Result<usize, ScriptFailure> {
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
            .map_err(|error| ScriptFailure { completed, error })?;
        let mut stream = std::pin::pin!(stream);
        loop {
            match stream.try_next().await {
                Ok(Some(SimpleQueryMessage::CommandComplete(_))) => {
                    completed += 1;
                    tell(completed);
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(completed),
                Err(error) => return Err(ScriptFailure { completed, error }),
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
                match stream {
                    Ok(stream) => finish(stream).await,
                    Err(error) => Err(ScriptFailure {
                        completed: 0,
                        error,
                    }),
                }
            });
            if going {
                going = tell(ran.await);
            } else if tokio::time::timeout(AT_ONCE, &mut ran).await.is_err() {
                self.cancel().cancel().await;
                let _ = ran.await;
            }
        }
    }

    /// Sends `COPY ... FROM STDIN` and the rows it asks for; how many rows there were.
    pub async fn copy_in(&self, statement: &str, rows: &str) -> Result<u64, tokio_postgres::Error> {
        self.trace(statement, || "copy".to_owned());
        let sink = self.client.copy_in::<_, Cursor<Vec<u8>>>(statement).await?;
        let mut sink = std::pin::pin!(sink);
        for chunk in rows.as_bytes().chunks(CHUNK) {
            sink.send(Cursor::new(chunk.to_vec())).await?;
        }
        sink.finish().await
    }

    /// What the server has said aside since the last call: notices and warnings.
    pub fn notices(&self) -> Vec<DbError> {
        self.notices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect()
    }

    /// A handle that cancels from outside what this session does.
    pub fn cancel(&self) -> Cancel {
        Cancel {
            token: self.client.cancel_token(),
            endpoint: self.endpoint.clone(),
        }
    }
}

/// Waits for the end of a script.
async fn finish(stream: SimpleQueryStream) -> Result<Ran, ScriptFailure> {
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
            Err(error) => return Err(ScriptFailure { completed, error }),
        }
    }
}

/// The error of a query, with the query's name for whoever has to mend it.
fn asked(name: &str, error: tokio_postgres::Error) -> anyhow::Error {
    // A table or a column that is not there: the database is not, or not yet, the one this program knows.
    let is_foreign = error
        .code()
        .is_some_and(|code| ["42P01", "42703", "42883", "3F000"].contains(&code.code()));
    let code = error.code().map(|code| code.code().to_owned());
    let error = sqlstate::explain(error);
    match code {
        Some(code) if is_foreign => Error::failed(
            "this database has not got the platform's schema, or an older one",
        )
        .because(error)
        .note(format!("in the query {name}"))
        .sqlstate(code)
        .hint("bring it up to date with `toysoldiers migrate up` on the same environment, or name another with `--env`")
        .into(),
        _ => error.into(),
    }
}
