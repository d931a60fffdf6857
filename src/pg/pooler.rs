//! What is between us and the server, found out by asking and never guessed from a port.
//!
//! A server sees the port of our own end of the connection, and answers from the process it told us of. When it
//! does not, somebody is in between, and a second connection tells how that one works: with a transaction open
//! on it, a pooler in transaction mode either gives it the process that has just answered on the first, or
//! another one to the first. This comes before any setting is made, which the pooler could hand to a stranger.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::db::Db;
use super::endpoint::{Endpoint, PORT};
use super::query::Query;
use super::session::Hello;
use super::socket::Clue;
use crate::error::{self, Error, Kind, Result};

/// How long a pool may take to find the second connection a server.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the first connection is asked again. Other clients could hand it the same server by chance.
const ROUNDS: usize = 3;

/// What is between us and the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing that matters.
    Direct,
    /// Something that keeps one session for us: a pooler in session mode, a proxy, network address translation.
    Session,
    /// A pooler that gives every transaction another session.
    Transaction,
    /// Something, and what it does could not be found out. It is treated like the last.
    Unknown(String),
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("none"),
            Self::Session => f.write_str("session"),
            Self::Transaction => f.write_str("transaction"),
            Self::Unknown(_) => f.write_str("unknown"),
        }
    }
}

impl Pooling {
    /// Whether what is set for a session stays with us.
    pub fn keeps_sessions(&self) -> bool {
        matches!(self, Self::Direct | Self::Session)
    }
}

crate::row! {
    /// Who answers this time.
    pub struct Answering {
        /// Process id of the server's side.
        pub process: i32,
    }
}

static PROCESS: Query<Answering> = crate::query!("session/process");

/// Whether the server itself is at the other end.
pub(super) fn is_direct(clue: &Clue, hello: &Hello) -> bool {
    match clue {
        Clue::Port { own, .. } => hello.port == Some(i32::from(*own)),
        Clue::Process(told) => told.load(Ordering::Relaxed) == hello.process,
    }
}

/// Finds out how what is in between works. `first` has said hello; `second` has not been used.
pub(super) async fn probe(first: &Db, hello: &Hello, second: &Db) -> Pooling {
    match tokio::time::timeout(PATIENCE, ask(first, hello, second)).await {
        Ok(Ok(pooling)) => pooling,
        Ok(Err(error)) => Pooling::Unknown(error::explain(&error).message),
        Err(_) => Pooling::Unknown(format!(
            "the pool found no server for a second connection within {} s",
            PATIENCE.as_secs()
        )),
    }
}

async fn ask(first: &Db, hello: &Hello, second: &Db) -> Result<Pooling> {
    // Both travel at once.
    let (begun, other) = tokio::join!(second.script("begin"), second.send(&PROCESS, &[]));
    begun?;
    let mut pooling = Pooling::Session;
    if answering(&other?)? == hello.process {
        pooling = Pooling::Transaction;
    } else {
        for _ in 0..ROUNDS {
            if answering(&first.send(&PROCESS, &[]).await?)? != hello.process {
                pooling = Pooling::Transaction;
                break;
            }
        }
    }
    second.script("rollback").await?;
    Ok(pooling)
}

fn answering(rows: &[Answering]) -> Result<i32> {
    rows.first()
        .map(|row| row.process)
        .ok_or_else(|| Error::new(Kind::Bug, "the server has no process").into())
}

impl Db {
    /// The address at the other end, be it a server's or a pooler's; nothing on a Unix socket.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self.clue {
            Clue::Port { peer, .. } => Some(peer),
            Clue::Process(_) => None,
        }
    }

    /// Refuses to go on where a session of our own is needed and there is none; `what` needs it.
    pub fn require_session(&self, what: &str) -> Result<()> {
        let pooling = self.pooling();
        if pooling.keeps_sessions() {
            return Ok(());
        }
        Err(no_session(self.endpoint(), pooling, what).into())
    }
}

/// Why `what` cannot be done through this pooler, and where it can.
pub fn no_session(endpoint: &Endpoint, pooling: &Pooling, what: &str) -> Error {
    let here = endpoint.describe();
    let error = match pooling {
        Pooling::Unknown(reason) => Error::refused(format!(
            "{here} is behind a pooler whose mode could not be found out, and {what} needs a session of its own"
        ))
        .note(reason.clone()),
        _ => Error::refused(format!(
            "{here} is a pooler in transaction mode, and {what} needs a session of its own"
        ))
        .note("locks, settings and snapshots would end up in other people's sessions"),
    };
    let error = error.unchanged();
    if let Pooling::Unknown(_) = pooling {
        return error.hint("try again when the pool has room, or connect to the server itself");
    }
    // Supabase's poolers keep sessions on the port of PostgreSQL.
    if endpoint.port() == 6543 {
        let url = endpoint.with_port(PORT).url();
        error.hint(format!("use the pooler's port for sessions: {url}"))
    } else {
        error.hint("connect to the server itself, or to a pool in session mode")
    }
}
