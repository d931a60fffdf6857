//! A session, and asking through it.
//!
//! A question is one round trip and leaves nothing prepared behind. Through a pooler that gives every transaction
//! another session, a question is a transaction of its own, with the settings it relies on, and still one round
//! trip.

mod script;

use std::collections::VecDeque;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{Client, NoTls, Row};

use super::blockers::Watch;
use super::endpoint::Endpoint;
use super::lock::Kept;
use super::pooler::Pooling;
use super::query::{FromRow, Param, Query};
use super::session::{Hello, Made, Patience, Scope};
use super::socket::{Clue, Socket};
use super::tls::{Seen, Tls};
use super::{sqlstate, tools};
use crate::error::{Error, Kind, Result, command};
use script::named;

pub use script::{AHEAD, Ran, ScriptFailure};

/// Rows travel in pieces of this many bytes.
const CHUNK: usize = 64 << 10;

/// Is told of every question and of its SQL. Never of the values in it, which may be secret.
pub type Tracer = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Is told, by a line for people, whom a session waits for.
pub type Voice = Box<dyn Fn(&str) + Send + Sync>;

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
    /// The settings of the session, once they are made.
    pub(super) made: Mutex<Vec<Made>>,
    /// The encoding of the database, as the server calls it.
    pub(super) encoding: String,
    /// Whether a transaction of several questions is open.
    pub(super) in_transaction: AtomicBool,
    pub(super) tracer: Option<Tracer>,
    pub(super) voice: Option<Voice>,
    /// Who stands in its way.
    pub(super) watch: Watch,
    /// The locks of the run it works for.
    pub(super) kept: Mutex<Kept>,
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

    /// Writes from now on that it is for this person.
    #[must_use]
    pub fn acting_for(mut self, actor: String) -> Self {
        self.endpoint.actor = Some(actor);
        self
    }

    /// Tells from now on whom it waits for.
    #[must_use]
    pub fn voiced(mut self, voice: Voice) -> Self {
        self.voice = Some(voice);
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

    /// Whether the server can be told to read no views but the catalog's, which minor versions learned in 2024.
    pub(super) fn restricts_views(&self) -> bool {
        let minor = self
            .version
            .split_once('.')
            .map_or(0, |(_, rest)| tools::major(rest));
        match self.server_major() {
            14 => minor >= 13,
            15 => minor >= 8,
            16 => minor >= 4,
            major => major >= 17,
        }
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

    /// How long a lock on a table is waited for; zero is for ever.
    pub fn lock_timeout(&self) -> Duration {
        self.patience().lock
    }

    /// All rows.
    pub async fn all<R: FromRow>(&self, query: &Query<R>, params: &[&dyn Param]) -> Result<Vec<R>> {
        if self.pooling.keeps_sessions() || self.in_transaction.load(Ordering::Relaxed) {
            return self.send(query, params).await;
        }
        let opening = self.begun("begin isolation level read committed").await?;
        // They travel together; the first that failed says why.
        let (begun, set, rows, committed) = tokio::join!(
            // What is the default there is not ours to say before it has begun.
            self.script(opening),
            Box::pin(self.make_settings(Scope::Transaction)),
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
        Watch::over(self, self.ask(query, params))
            .await
            .map_err(|error| self.named(error))
    }

    /// The same without looking for those who are in the way.
    pub(super) async fn ask<R: FromRow>(
        &self,
        query: &Query<R>,
        params: &[&dyn Param],
    ) -> Result<Vec<R>> {
        let rows = self.rows(query, params).await;
        rows.map_err(|error| asked(query, error))?
            .iter()
            .map(|row| R::from_row(row).map_err(|error| asked(query, error)))
            .collect()
    }

    /// The rows as the driver has them.
    pub(super) async fn rows<R>(
        &self,
        query: &Query<R>,
        params: &[&dyn Param],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let params: Vec<_> = params
            .iter()
            .map(|param| (param.value(), param.sql_type()))
            .collect();
        let sql = query.text(self.hello().is_some_and(|hello| hello.audits));
        let start = Instant::now();
        let rows = self.client.query_typed(&sql, &params).await?;
        self.trace(&sql, || {
            format!(
                "{}: {} rows in {:.1?}",
                query.name,
                rows.len(),
                start.elapsed()
            )
        });
        Ok(rows)
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
        let begin = "begin isolation level repeatable read, read only";
        if self.pooling.keeps_sessions() {
            self.script(begin).await?;
        } else {
            let begin = self.begun(begin).await?;
            let (first, second) = tokio::join!(
                self.script(begin),
                Box::pin(self.make_settings(Scope::Transaction))
            );
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

    pub(super) fn say(&self, blockers: &str) {
        if let Some(voice) = &self.voice {
            voice(&format!("waiting for {blockers}"));
        }
    }

    /// Those whom it waited for last, a description each; from now on they are forgotten.
    pub fn blockers(&self) -> Vec<String> {
        self.watch.take()
    }

    /// An error of ours with those who held the lock that was not had.
    fn named(&self, error: anyhow::Error) -> anyhow::Error {
        if crate::error::sqlstate(&error) != Some(SqlState::LOCK_NOT_AVAILABLE.code()) {
            return error;
        }
        let held_by = self.watch.own();
        match error.downcast::<Error>() {
            Ok(error) => named(error, &held_by).into(),
            Err(error) => error,
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

/// The error of a query, with the query's name for whoever has to mend it.
pub(super) fn asked<R>(query: &Query<R>, error: tokio_postgres::Error) -> anyhow::Error {
    // A table or a column that is not there: the database is not, or not yet, the one this program knows.
    let is_foreign = error
        .code()
        .is_some_and(|code| ["42P01", "42703", "42883", "3F000"].contains(&code.code()));
    let code = error.code().map(|code| code.code().to_owned());
    let error = sqlstate::explain(error);
    let Some(code) = code.filter(|_| is_foreign) else {
        return error.into();
    };
    match query.needs() {
        Some(migration) => Error::refused(format!(
            "this needs what migration {migration} makes, and this database has not got it"
        )),
        None => Error::failed("this database has not got the platform's schema, or an older one"),
    }
    .because(error)
    .note(format!("in the query {}", query.name))
    .sqlstate(code)
    .hint(
        command("migrate up").hint(
            "bring it up to date with {} on the same environment, or name another with `--env`",
        ),
    )
    .into()
}
