//! Getting into a database: which of its servers, and what it means when there is no way in.

use std::collections::VecDeque;
use std::error::Error as _;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{ChannelBinding as Binding, SslMode, SslNegotiation};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};

use super::blockers::Watch;
use super::db::Db;
use super::endpoint::{ChannelBinding, Endpoint, Place, Wanted};
use super::pooler::{self, Pooling};
use super::session::{HELLO, Patience};
use super::socket::Socket;
use super::tls::Tls;
use super::{APPLICATION_NAME, hurry, sqlstate, tools};
use crate::error::{Error, Kind, Result, io_reason};

/// How long a server may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The oldest major version whose catalogs and settings we know.
const OLDEST: u32 = 14;

/// Why there is no session.
pub struct Unreached {
    /// Whether the server wanted a password and there was none.
    pub wants_password: bool,
    /// Whether the session was ended, or its first question, before there was time to set anything.
    pub hurried: bool,
    /// The whole story.
    pub error: anyhow::Error,
}

impl From<anyhow::Error> for Unreached {
    fn from(error: anyhow::Error) -> Self {
        Self {
            wants_password: false,
            hurried: hurry::is_hurried(&error),
            error,
        }
    }
}

impl From<Error> for Unreached {
    fn from(error: Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl From<Unreached> for anyhow::Error {
    fn from(unreached: Unreached) -> Self {
        unreached.error
    }
}

impl Db {
    /// Opens a session and makes its settings.
    pub async fn connect(endpoint: &Endpoint, patience: Patience) -> Result<Self> {
        let db = Self::reach(endpoint).await?;
        db.set_up(patience).await?;
        Ok(db)
    }

    /// Opens a session on the first of the places that will do, and finds out what is in between. Nothing is set
    /// yet.
    pub async fn reach(endpoint: &Endpoint) -> Result<Self, Unreached> {
        let mut places = endpoint.places().to_vec();
        if endpoint.shuffled {
            shuffle(&mut places);
        }
        if endpoint.wanted == Wanted::PreferStandby {
            // Whatever is wrong with the standbys, any server will do.
            if let Ok(db) = Box::pin(first(endpoint, &places, Wanted::Standby)).await {
                return Ok(db);
            }
        }
        // A handshake is much to remember; on the heap it is out of everybody's way.
        Box::pin(first(endpoint, &places, endpoint.wanted)).await
    }
}

/// The first of the places that will do.
async fn first(endpoint: &Endpoint, places: &[Place], wanted: Wanted) -> Result<Db, Unreached> {
    let mut failures = Vec::new();
    for place in places {
        let here = endpoint.at(place);
        match enter(&here).await {
            Ok(db) if db.hello().is_none_or(|hello| hello.is(wanted)) => return Ok(db),
            Ok(_) => failures.push(anyhow::Error::from(unfit(&here, wanted))),
            // A server that does not let us in has answered; another one would not know better.
            Err(refused) if refused.wants_password || is_verdict(&refused.error) => {
                return Err(refused);
            }
            Err(failed) => failures.push(failed.error),
        }
    }
    if failures.len() == 1 {
        return Err(failures.remove(0).into());
    }
    let mut error = Error::new(
        Kind::Unreachable,
        format!("cannot connect to any of {}", endpoint.describe()),
    );
    for failure in &failures {
        let told = crate::error::explain(failure);
        let reasons: Vec<String> = std::iter::once(told.message).chain(told.causes).collect();
        error = error.note(reasons.join(": "));
    }
    Err(error
        .hint("check that the servers run, and the hosts and ports of the address")
        .into())
}

/// Opens a session at one place; where it would have no time, with time enough.
async fn enter(endpoint: &Endpoint) -> Result<Db, Unreached> {
    let mut major = 0;
    let first = greet(endpoint, false, &mut major).await;
    let failure = match &first {
        Ok(db) if db.hello().is_some_and(|hello| hello.hurried) => None,
        Err(unreached) if unreached.hurried => Some(&unreached.error),
        _ => return first,
    };
    let unhurried = hurry::unhurried(endpoint, major, failure);
    let again = Box::pin(greet(&unhurried, false, &mut major)).await;
    match (first, again) {
        (_, Ok(db)) => Ok(db),
        // A pooler may not take it along. Where a session lives long enough to be probed there are other ways.
        (Ok(db), Err(_)) => match db.pooling() {
            Pooling::Unknown(reason) => {
                let error = Error::new(Kind::Unreachable, reason.clone());
                Err(hurry::explain(endpoint, error.into()).await.into())
            }
            _ => Ok(db),
        },
        (Err(first), Err(_)) => match Box::pin(greet(endpoint, true, &mut major)).await {
            Err(_) => Err(hurry::explain(endpoint, first.error).await.into()),
            there => there,
        },
    }
}

/// Opens a session, says hello, and opens a second one if there is a pooler to be probed. In a hurry the first question
/// is asked in a transaction. `major` becomes the version of the server.
async fn greet(endpoint: &Endpoint, in_hurry: bool, major: &mut u32) -> Result<Db, Unreached> {
    // Only a guess, which saves time if it is right: opening the two takes as long as opening one.
    let (first, second) = if looks_pooled(&endpoint.places()[0]) {
        let (first, second) = tokio::join!(open(endpoint), open(endpoint));
        (first?, second.ok())
    } else {
        (open(endpoint).await?, None)
    };
    let mut db = first;
    *major = db.server_major();
    let hello = if in_hurry {
        hurry::hello(&db).await
    } else {
        db.send(&HELLO, &[]).await
    };
    let hello = hello
        .map_err(|error| Unreached {
            hurried: hurry::may_be_hurried(&error),
            ..Unreached::from(error)
        })?
        .pop()
        .ok_or_else(|| Error::new(Kind::Bug, "the server says no hello"))?;
    db.pooling = if pooler::is_direct(&db.clue, &hello) {
        Pooling::Direct
    } else {
        let second = match second {
            Some(second) => Ok(second),
            None => open(endpoint).await,
        };
        match second {
            Ok(second) => pooler::probe(&db, &hello, &second).await,
            Err(failed) => Pooling::Unknown(crate::error::explain(&failed.error).message),
        }
    };
    db.hello = Some(hello);
    Ok(db)
}

fn looks_pooled(place: &Place) -> bool {
    matches!(place.port, 6432 | 6543) || place.host.to_string().contains("pooler")
}

/// Opens one connection.
pub(super) async fn open(endpoint: &Endpoint) -> Result<Db, Unreached> {
    let place = &endpoint.places()[0];
    let limit = endpoint.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
    let tls = Tls::prepare(endpoint, place)?;
    let opening = async {
        let (socket, clue) = Socket::open(endpoint)
            .await
            .map_err(|error| unreachable(endpoint, io_reason(&error)))?;
        let config = config(endpoint, tls.as_ref());
        let greeted = match &tls {
            Some(tls) => match config.connect_raw(socket, tls.connector()).await {
                Ok((client, connection)) => Ok(attend(client, connection)),
                Err(error) => Err(error),
            },
            None => match config.connect_raw(socket, NoTls).await {
                Ok((client, connection)) => Ok(attend(client, connection)),
                Err(error) => Err(error),
            },
        };
        greeted
            .map(|greeted| (greeted, clue))
            .map_err(|error| cannot_connect(endpoint, tls.as_ref(), &error))
    };
    let ((client, told, notices), clue) = tokio::time::timeout(limit, opening)
        .await
        .unwrap_or_else(|_| {
            let reason = format!("no answer within {} s", limit.as_secs());
            Err(unreachable(endpoint, reason).into())
        })?;
    let Told { version, encoding } = told;
    refuse_old(endpoint, &version)?;
    Ok(Db {
        client,
        notices,
        version,
        endpoint: endpoint.clone(),
        tls,
        clue,
        hello: None,
        pooling: Pooling::Direct,
        patience: Mutex::new(Patience::default()),
        made: Mutex::default(),
        encoding,
        in_transaction: AtomicBool::new(false),
        tracer: None,
        voice: None,
        watch: Watch::default(),
        kept: Mutex::default(),
    })
}

fn config(endpoint: &Endpoint, tls: Option<&Tls>) -> Config {
    let mut config = Config::new();
    config
        .dbname(endpoint.database())
        .application_name(
            endpoint
                .application_name
                .as_deref()
                .unwrap_or(APPLICATION_NAME),
        )
        .ssl_mode(tls.map_or(SslMode::Disable, Tls::ssl_mode))
        .ssl_negotiation(tls.map_or(SslNegotiation::Postgres, Tls::negotiation))
        .channel_binding(match endpoint.tls.channel_binding {
            ChannelBinding::Disable => Binding::Disable,
            ChannelBinding::Prefer => Binding::Prefer,
            ChannelBinding::Require => Binding::Require,
        });
    if let Some(user) = endpoint.user() {
        config.user(user);
    }
    if let Some(password) = endpoint.password() {
        config.password(password.expose_secret());
    }
    let startup = &endpoint.options().startup;
    if !startup.is_empty() {
        config.options(startup);
    }
    config
}

type Notices = Arc<Mutex<VecDeque<tokio_postgres::error::DbError>>>;

/// What a server tells of itself without being asked.
struct Told {
    version: String,
    encoding: String,
}

/// Lets the connection do its work, and keeps what the server says aside.
fn attend<S, T>(client: Client, mut connection: Connection<S, T>) -> (Client, Told, Notices)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let parameter = |name| connection.parameter(name).unwrap_or_default().to_owned();
    let told = Told {
        version: parameter("server_version"),
        encoding: parameter("server_encoding"),
    };
    let notices = Notices::default();
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
    (client, told, notices)
}

fn refuse_old(endpoint: &Endpoint, version: &str) -> Result<()> {
    let major = tools::major(version);
    // A pooler may say something of its own; 0 is what is no version.
    if major == 0 || major >= OLDEST {
        return Ok(());
    }
    Err(Error::refused(format!(
        "{} is PostgreSQL {version}, and the oldest that is served is {OLDEST}",
        endpoint.describe()
    ))
    .note("nothing was asked of it")
    .hint("upgrade the server, or name another one")
    .into())
}

fn unfit(endpoint: &Endpoint, wanted: Wanted) -> Error {
    let what = match wanted {
        Wanted::ReadWrite => {
            "takes no writes, and target_session_attrs=read-write wants one that does"
        }
        Wanted::ReadOnly => {
            "takes writes, and target_session_attrs=read-only wants one that does not"
        }
        Wanted::Primary => "is a standby, and target_session_attrs=primary wants a primary",
        _ => "is a primary, and target_session_attrs wants a standby",
    };
    Error::new(Kind::Unreachable, format!("{} {what}", endpoint.describe()))
        .hint("name a server that fits, or leave target_session_attrs out")
}

/// In any order; the system's randomness, since nothing here needs more.
fn shuffle(places: &mut [Place]) {
    for last in (1..places.len()).rev() {
        let mut byte = [0];
        if getrandom::fill(&mut byte).is_ok() {
            places.swap(last, usize::from(byte[0]) % (last + 1));
        }
    }
}

/// Whether a server has answered, and answered no.
fn is_verdict(error: &anyhow::Error) -> bool {
    crate::error::sqlstate(error).is_some_and(|code| code.starts_with("28"))
}

fn cannot_connect(
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    error: &tokio_postgres::Error,
) -> Unreached {
    let cannot = || {
        Error::new(
            Kind::Unreachable,
            format!("cannot connect to {}", endpoint.describe()),
        )
    };
    if let Some(db) = error.as_db_error() {
        let code = db.code().code().to_owned();
        let startup = &endpoint.options().startup;
        let is_refused = code == "08P01" && !startup.is_empty();
        let error = cannot().because(sqlstate::explain_db(db)).sqlstate(code);
        return if is_refused {
            error
                .note(format!("`options` of the address sends `{startup}` with the first message, which not every pooler takes"))
                .hint("leave in `options` what is `-c name=value`, which is set later, or connect to the server itself")
        } else {
            error
        }
        .into();
    }
    if let Some(reason) = tls.and_then(|tls| tls.explain(error)) {
        return cannot().because(reason).into();
    }
    if let Some(io) = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
    {
        return unreachable(endpoint, io_reason(io)).into();
    }
    let reason = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    if reason.contains("password missing") {
        let reason = Error::new(
            Kind::Unreachable,
            "the server wants a password, and none was given",
        );
        return Unreached {
            wants_password: true,
            hurried: false,
            error: cannot()
                .because(reason)
                .hint("say where it is, with `password_command` or `password_env` in toysoldiers.toml, in ~/.pgpass, or in PGPASSWORD")
                .into(),
        };
    }
    unreachable(endpoint, reason).into()
}

fn unreachable(endpoint: &Endpoint, reason: impl Into<String>) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("cannot reach {}", endpoint.describe()),
    )
    .because(Error::new(Kind::Unreachable, reason))
    .hint("check that the server runs, and the host and the port of its address")
}
