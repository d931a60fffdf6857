//! Sessions that a database or a role gives no time: a timeout of a moment stops whatever is asked before any setting
//! can be made.
//!
//! Whoever owns the database can set one. What comes with the first message counts before it, also after a `RESET ALL`;
//! but not every pooler takes that along, so it is sent only where it is needed. Where it is refused, the first
//! question is asked in a transaction that begins by lifting the limit on statements.

use super::db::Db;
use super::endpoint::Endpoint;
use super::options::word;
use super::query::{Param, Query};
use super::session::{HELLO, Hello};
use crate::error::{self, Error, Kind, Result};

/// What may end a session or its statements before anything is set.
const TIMEOUTS: [&str; 4] = [
    "statement_timeout",
    "lock_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
];

/// The same, since version 17.
const TIMEOUT_SINCE_17: &str = "transaction_timeout";

/// The first major version that has it.
const SINCE: u32 = 17;

/// The server's codes for a statement and for sessions that had no more time.
const CODES: [&str; 4] = ["57014", "57P05", "25P03", "25P04"];

/// What is asked first of a server that takes nothing along with the first message, up to so many times.
pub(super) const TRIES: usize = 20;

/// Lifts the limit on statements for the transaction that it is in; nothing else limits what is asked there at once.
const LIFT: &str = "set local statement_timeout = 0";

crate::row! {
    /// Where a timeout comes from.
    pub struct Origin {
        /// The setting, with its value: `statement_timeout=1ms`.
        pub setting: String,
        /// The statement that takes it away.
        pub reset: String,
    }
}

static ORIGINS: Query<Origin> = crate::query!("session/timeouts");

/// What goes into the first message so that no timeout holds that somebody has set; `major` is the server's version.
fn words(major: u32) -> String {
    let newer = (major >= SINCE).then_some(TIMEOUT_SINCE_17);
    let names = TIMEOUTS.into_iter().chain(newer);
    names
        .map(|name| word(name, "0"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same way in, with time enough. Of a server that could not say its version, the failure may tell it.
pub(super) fn unhurried(
    endpoint: &Endpoint,
    major: u32,
    failure: Option<&anyhow::Error>,
) -> Endpoint {
    let is_newer = failure.and_then(error::sqlstate) == Some("25P04");
    endpoint.with_startup(&words(if is_newer { SINCE } else { major }))
}

/// Whether a failure is the doing of a timeout.
pub(super) fn is_hurried(failure: &anyhow::Error) -> bool {
    error::sqlstate(failure).is_some_and(|code| CODES.contains(&code))
}

/// Whether the failure of a first question may be. Of a session that was ended while it was idle only its end is seen, and
/// a pooler that found no session has an error of its own.
pub(super) fn may_be_hurried(failure: &anyhow::Error) -> bool {
    error::sqlstate(failure).is_none_or(|code| CODES.contains(&code) || code.starts_with("08"))
}

/// Says of a failure, which may be a timeout's doing, whose setting it was, and how it is undone. That is asked in
/// another database of the server, where a setting of this one does not hold.
pub(super) async fn explain(endpoint: &Endpoint, failure: anyhow::Error) -> anyhow::Error {
    let origins = Box::pin(origins(endpoint)).await.unwrap_or_default();
    if origins.is_empty() && !is_hurried(&failure) {
        // The server may have had another reason.
        return failure;
    }
    let error = Error::new(
        Kind::Refused,
        "sessions of this database and role have no time to make their settings",
    )
    .after(&failure);
    let error = origins
        .iter()
        .fold(error, |error, Origin { setting, reset }| {
            error
                .note(format!("`{setting}` is set for them"))
                .hint(format!("have somebody run `{reset}`"))
        });
    let error = error.note("nothing was done");
    if origins.is_empty() {
        let names = TIMEOUTS.join(", ");
        return error
            .hint(format!("look in pg_db_role_setting and in the server's configuration for {names} and {TIMEOUT_SINCE_17}, and raise what is short"))
            .into();
    }
    error
        .hint("connect to the server itself, where such a setting does not matter")
        .into()
}

async fn origins(endpoint: &Endpoint) -> Result<Vec<Origin>> {
    let elsewhere = endpoint.with_database("postgres");
    let db = super::connect::open(&unhurried(&elsewhere, 0, None)).await;
    let db = match db {
        Ok(db) => db,
        Err(_) => super::connect::open(&elsewhere).await?,
    };
    let (database, role) = (endpoint.database(), endpoint.user());
    let names: Vec<String> = TIMEOUTS
        .into_iter()
        .chain([TIMEOUT_SINCE_17])
        .map(str::to_owned)
        .collect();
    let params: [&dyn Param; 3] = [&names, &database, &role];
    in_transaction(&db, &ORIGINS, &params).await
}

/// Begins a transaction and lifts the limit on its statements, before anything else is sent.
pub(super) async fn begin(db: &Db, opening: &str) -> Result<()> {
    let opening = format!("{opening}; {LIFT}");
    let mut tried = 0;
    loop {
        tried += 1;
        match db.script(&opening).await {
            Err(error) if is_hurried(&error) && tried < TRIES => db.script("rollback").await?,
            begun => return begun,
        }
    }
}

/// Asks in a transaction that lifts the limit on statements, in which no other setting is made.
async fn in_transaction<R: super::FromRow>(
    db: &Db,
    query: &Query<R>,
    params: &[&dyn Param],
) -> Result<Vec<R>> {
    begin(db, "begin").await?;
    let rows = db.send(query, params).await?;
    db.script("commit").await?;
    Ok(rows)
}

/// Says hello, in a transaction.
pub(super) async fn hello(db: &Db) -> Result<Vec<Hello>> {
    in_transaction(db, &HELLO, &[]).await
}
