//! What a session is like before the first question: who answers, how patient we are, and the settings that decide
//! how questions are answered.

use std::time::Duration;

use super::db::Db;
use super::endpoint::{Endpoint, Wanted};
use super::query::{Param, Query};
use crate::error::Result;

/// Where names are looked for, whatever the role's own settings are. `extensions` is Supabase's place for them;
/// a temporary table never hides one of the platform's.
const SEARCH_PATH: &str = "public, extensions, pg_temp";

/// Where names are to be looked for by this way in; nothing if the address itself says it.
pub fn search_path(endpoint: &Endpoint) -> Option<&'static str> {
    let says_it = endpoint
        .options()
        .is_some_and(|options| options.contains("search_path"));
    (!says_it).then_some(SEARCH_PATH)
}

/// How long a server takes to notice that its client is gone while it works or waits for a lock, where its system
/// tells.
pub(super) const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "1s");

/// How long a session waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a lock on a table.
    pub lock: Duration,
    /// For a statement; zero is for ever.
    pub statement: Duration,
}

impl Patience {
    /// How long a migration waits: it must not queue in front of the platform, but may take its time.
    pub fn migrating() -> Self {
        Self {
            lock: Duration::from_secs(2),
            statement: Duration::ZERO,
        }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            lock: Duration::from_secs(10),
            statement: Duration::from_mins(5),
        }
    }
}

crate::row! {
    /// Who answers.
    pub struct Hello {
        /// Process id of the server's side.
        pub process: i32,
        /// The client's port as the server sees it; nothing on a Unix socket.
        pub port: Option<i32>,
        /// Whether the server replays another's changes.
        pub in_recovery: bool,
        /// Whether sessions may not write.
        pub read_only: bool,
        /// Whether there is bookkeeping of ours that this role may read.
        pub stamped: bool,
        /// Whether its system tells a server that a client is gone.
        pub tells_of_clients: bool,
    }
}

crate::row! {
    /// The settings are made.
    pub struct Ready {
        /// How long a lock is waited for, as the server shows it.
        pub lock_timeout: String,
    }
}

pub(super) static HELLO: Query<Hello> = crate::query!("session/hello");
static SETUP: Query<Ready> = crate::query!("session/setup");

impl Hello {
    /// Whether a server like this will do.
    pub(super) fn is(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Any | Wanted::PreferStandby => true,
            Wanted::ReadWrite => !self.read_only,
            Wanted::ReadOnly => self.read_only,
            Wanted::Primary => !self.in_recovery,
            Wanted::Standby => self.in_recovery,
        }
    }
}

impl Db {
    /// Makes the settings every question relies on: for the session, or, through a pooler that gives every
    /// transaction another one, for each transaction to come.
    pub async fn set_up(&self, patience: Patience) -> Result<()> {
        self.wait_for(patience);
        if !self.pooling().keeps_sessions() {
            return Ok(());
        }
        self.make_settings(Scope::Session).await
    }

    pub(super) async fn make_settings(&self, scope: Scope) -> Result<()> {
        let patience = self.patience();
        let millis = |time: Duration| time.as_millis().to_string();
        let search_path = search_path(self.endpoint());
        let params: [&dyn Param; 4] = [
            &millis(patience.lock),
            &millis(patience.statement),
            &search_path,
            &(scope == Scope::Transaction),
        ];
        self.send(&SETUP, &params).await.map(|_| ())
    }
}

/// How long a setting lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Session,
    Transaction,
}
