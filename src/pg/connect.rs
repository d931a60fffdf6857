//! Sessions: opening one, asking through it, and what it means when there is none.

use std::collections::VecDeque;
use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage};

use super::endpoint::Endpoint;
use super::query::{FromRow, Param, Query};
use super::{APPLICATION_NAME, sqlstate, tools};
use crate::error::{Error, Kind, Result, io_reason};

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Is told of every question and of its SQL. Never of the values in it, which may be secret.
pub type Tracer = Box<dyn Fn(&str, &str) + Send + Sync>;

/// One session.
pub struct Db {
    client: Client,
    tracer: Option<Tracer>,
    notices: Arc<Mutex<VecDeque<DbError>>>,
    version: String,
}

/// How a script of several statements ended.
#[derive(Debug)]
pub struct ScriptFailure {
    /// How many statements had completed before.
    pub completed: usize,
    /// What the driver says.
    pub error: tokio_postgres::Error,
}

/// Stops what a session is doing, from outside.
#[derive(Clone)]
pub struct Cancel(tokio_postgres::CancelToken);

impl Cancel {
    /// Asks the server to cancel the running statement; best effort, bounded in time.
    pub async fn cancel(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.0.cancel_query(NoTls)).await;
    }
}

impl Db {
    /// Opens a session.
    pub async fn connect(endpoint: &Endpoint) -> Result<Self> {
        endpoint.refuse_without_tls()?;
        let mut config = endpoint.config();
        config
            .application_name(APPLICATION_NAME)
            .ssl_mode(SslMode::Disable);
        let limit = *config.get_connect_timeout().unwrap_or(&CONNECT_TIMEOUT);
        config.connect_timeout(limit);
        let (client, mut connection) =
            match tokio::time::timeout(limit, config.connect(NoTls)).await {
                Ok(connected) => connected.map_err(|error| cannot_connect(endpoint, &error))?,
                Err(_) => {
                    return Err(unreachable(
                        endpoint,
                        format!("no answer within {} s", limit.as_secs()),
                    )
                    .into());
                }
            };
        let version = connection
            .parameter("server_version")
            .unwrap_or_default()
            .to_owned();
        let notices = Arc::new(Mutex::new(VecDeque::new()));
        let inbox = Arc::clone(&notices);
        tokio::spawn(async move {
            let mut messages =
                futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            // An error here is also the error of whatever query was waiting.
            while let Ok(Some(message)) = messages.try_next().await {
                if let AsyncMessage::Notice(notice) = message {
                    inbox
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push_back(notice);
                }
            }
        });
        Ok(Self {
            client,
            tracer: None,
            notices,
            version,
        })
    }

    /// Tells of every question from now on.
    #[must_use]
    pub fn traced(mut self, tracer: Option<Tracer>) -> Self {
        self.tracer = tracer;
        self
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

    /// All rows.
    pub async fn all<R: FromRow>(&self, query: &Query<R>, params: &[&dyn Param]) -> Result<Vec<R>> {
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
                Ok(Some(SimpleQueryMessage::CommandComplete(_))) => completed += 1,
                Ok(Some(_)) => {}
                Ok(None) => return Ok(completed),
                Err(error) => return Err(ScriptFailure { completed, error }),
            }
        }
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
        Cancel(self.client.cancel_token())
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
        .hint("bring it up to date with `toysoldiers migrate up`, or name another with `--env`")
        .into(),
        _ => error.into(),
    }
}

fn cannot_connect(endpoint: &Endpoint, error: &tokio_postgres::Error) -> Error {
    if let Some(db) = error.as_db_error() {
        let explained = sqlstate::explain_db(db);
        return Error::new(
            Kind::Unreachable,
            format!("cannot connect to {}", endpoint.describe()),
        )
        .because(explained);
    }
    if let Some(io) = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
    {
        return unreachable(endpoint, io_reason(io));
    }
    let reason = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    if reason.contains("password missing") {
        return Error::new(Kind::Unreachable, format!("cannot connect to {}", endpoint.describe()))
            .because(Error::new(Kind::Unreachable, "the server wants a password, and none was given"))
            .hint("name the variable that holds it with `password_env` in toysoldiers.toml, or set PGPASSWORD");
    }
    unreachable(endpoint, reason)
}

fn unreachable(endpoint: &Endpoint, reason: impl Into<String>) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("cannot reach {}", endpoint.describe()),
    )
    .because(Error::new(Kind::Unreachable, reason))
    .hint("check that the server runs, and the host and the port of its address")
}
