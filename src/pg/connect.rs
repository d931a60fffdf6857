//! Connections: where to, how, and what it means when there is none.
//!
//! TLS is not spoken yet, so an address that would need it is refused instead of being downgraded: a remote
//! host is reached only when the URL says `sslmode=disable` in so many words.

use std::collections::VecDeque;
use std::error::Error as _;
use std::io;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, SimpleQueryMessage};

use super::query::{FromRow, Param, Query};
use super::{APPLICATION_NAME, sqlstate};
use crate::error::{Error, Kind, Result, io_reason};

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An address of a database. Holds the password if the URL did; never shows it.
#[derive(Clone)]
pub struct Endpoint {
    config: Config,
    tls: SslMode,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Endpoint {
    /// Reads a `postgresql://` URL or a `key=value` string.
    pub fn parse(text: &str) -> Result<Self> {
        let config = Config::from_str(text).map_err(|error| {
            // The driver's text names the parameter; its own prefix says nothing.
            let reason = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            Error::configuration("the connection string cannot be read")
                .because(Error::configuration(reason))
                .hint("write it as `postgresql://user@host:5432/database`")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::configuration("the connection string names no host")
                .hint("write it as `postgresql://user@host:5432/database`")
                .into());
        }
        let tls = if text.contains("sslmode=") {
            config.get_ssl_mode()
        } else {
            SslMode::Prefer
        };
        Ok(Self { config, tls })
    }

    /// A database of a server on this machine, reached through a socket in `folder`.
    pub fn socket(folder: &std::path::Path, user: &str, database: &str) -> Self {
        let mut config = Config::new();
        config.host_path(folder).user(user).dbname(database);
        Self {
            config,
            tls: SslMode::Disable,
        }
    }

    /// `host/database as user`, for banners and errors.
    pub fn describe(&self) -> String {
        let host = self.host();
        let port = match self.config.get_ports().first() {
            Some(port) if *port != 5432 => format!(":{port}"),
            _ => String::new(),
        };
        let user = self
            .user()
            .map(|user| format!(" as {user}"))
            .unwrap_or_default();
        format!("{host}{port}/{}{user}", self.database())
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.config
            .get_dbname()
            .or(self.config.get_user())
            .unwrap_or("postgres")
    }

    /// The role to connect as, if the address names one.
    pub fn user(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// The first host, or the folder of the socket.
    pub fn host(&self) -> String {
        match (
            self.config.get_hosts().first(),
            self.config.get_hostaddrs().first(),
        ) {
            (Some(Host::Tcp(host)), _) => host.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// Whether the address itself holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The password the address holds.
    pub fn password(&self) -> Option<SecretString> {
        let password = self.config.get_password()?;
        Some(SecretString::from(
            String::from_utf8_lossy(password).into_owned(),
        ))
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(database);
        other
    }

    /// The same, with this password instead of the address's own.
    #[must_use]
    pub fn with_password(&self, password: &SecretString) -> Self {
        let mut other = self.clone();
        other.config.password(password.expose_secret());
        other
    }

    fn is_here(&self) -> bool {
        self.config
            .get_hostaddrs()
            .iter()
            .all(std::net::IpAddr::is_loopback)
            && self.config.get_hosts().iter().all(|host| match host {
                Host::Unix(_) => true,
                Host::Tcp(name) => {
                    name == "localhost"
                        || name
                            .parse::<std::net::IpAddr>()
                            .is_ok_and(|address| address.is_loopback())
                }
            })
    }

    fn refuse_without_tls(&self) -> Result<()> {
        if self.tls == SslMode::Require || (self.tls != SslMode::Disable && !self.is_here()) {
            return Err(Error::configuration(format!(
                "{} needs TLS, which this version does not speak yet",
                self.describe()
            ))
            .note("nothing was sent: an address that is not on this machine is never reached in plain text unasked")
            .hint("connect through a tunnel that ends on this machine, or accept plain text with `sslmode=disable`")
            .into());
        }
        Ok(())
    }
}

/// One session.
pub struct Db {
    client: Client,
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
        let mut config = endpoint.config.clone();
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
            notices,
            version,
        })
    }

    /// The server's version as it gives it: `15.18 (Debian 15.18-0+deb12u1)`.
    pub fn server_version(&self) -> &str {
        &self.version
    }

    /// The server's major version.
    pub fn server_major(&self) -> u32 {
        let digits: String = self
            .version
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().unwrap_or(0)
    }

    /// All rows.
    pub async fn all<R: FromRow>(&self, query: &Query<R>, params: &[&dyn Param]) -> Result<Vec<R>> {
        let params: Vec<_> = params
            .iter()
            .map(|param| (param.value(), param.sql_type()))
            .collect();
        let rows = self
            .client
            .query_typed(&query.sql, &params)
            .await
            .map_err(|error| asked(query.name, error))?;
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
    let code = error.code().cloned();
    let error = sqlstate::explain(error);
    let error =
        if code.is_some_and(|code| code.code().starts_with("42")) && error.kind == Kind::Failed {
            // A table or column that is not there: the database is not (yet) the one this program knows.
            error
                .note(format!("in the query {name}"))
                .hint("bring the database up to date with `toysoldiers migrate up`")
        } else {
            error
        };
    error.into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_everything_but_the_password() {
        let endpoint = Endpoint::parse("postgresql://me:s3cret@db.example.com:6000/shop")
            .expect("is an address");
        assert_eq!(endpoint.describe(), "db.example.com:6000/shop as me");
        assert!(!format!("{endpoint:?}").contains("s3cret"));
        assert!(endpoint.has_password());
    }

    #[test]
    fn a_remote_host_is_not_reached_in_plain_text_unasked() {
        for url in [
            "postgresql://db.example.com/x",
            "postgresql://127.0.0.1/x?sslmode=require",
        ] {
            assert!(
                Endpoint::parse(url)
                    .expect("is an address")
                    .refuse_without_tls()
                    .is_err(),
                "{url}"
            );
        }
        for url in [
            "postgresql://db.example.com/x?sslmode=disable",
            "postgresql://localhost/x",
            "postgresql://[::1]/x",
            "host=/run/postgresql dbname=x",
        ] {
            assert!(
                Endpoint::parse(url)
                    .expect("is an address")
                    .refuse_without_tls()
                    .is_ok(),
                "{url}"
            );
        }
    }
}
