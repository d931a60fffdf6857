//! What a session is like before the first question: who answers, how patient we are, and the settings that decide
//! how questions are answered.

use std::borrow::Cow;
use std::time::Duration;

use super::db::Db;
use super::endpoint::{Endpoint, Wanted};
use super::ident::Literal;
use super::query::{Param, Query};
use crate::error::Result;

/// Where the names in a text are looked for that do not say it themselves. It decides whose functions and operators
/// run with our rights, so it goes by who wrote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchPath {
    /// Nowhere but in the catalog: whatever this program says, with the files it was built with. Every session is set
    /// up so.
    Catalog,
    /// Where people keep their things, for files from a folder and for what people ask themselves; the address may
    /// name another place.
    Files,
}

/// [`SearchPath::Catalog`], as SQL has it. Unless it is named, pg_temp comes before everything else for tables and
/// types.
pub const CATALOG: &str = "pg_catalog, pg_temp";

/// [`SearchPath::Catalog`] for the rest of the transaction. It looks nothing up itself.
pub const IN_CATALOG: &str = "set local search_path = pg_catalog, pg_temp";

/// [`SearchPath::Files`], unless the address says it. `extensions` is Supabase's place for them; a temporary table
/// never hides one of the platform's.
const FILES: &str = "public, extensions, pg_temp";

impl SearchPath {
    /// As the setting has it, by this way in.
    pub fn value(self, endpoint: &Endpoint) -> Cow<'static, str> {
        match self {
            Self::Catalog => Cow::Borrowed(CATALOG),
            Self::Files => {
                let told = endpoint.options().and_then(told);
                told.map_or(Cow::Borrowed(FILES), Cow::Owned)
            }
        }
    }

    /// The statement that makes it so for the rest of the transaction.
    pub fn in_transaction(self, endpoint: &Endpoint) -> String {
        self.statement(endpoint, true)
    }

    /// The statement that makes it so for the rest of the session.
    pub fn in_session(self, endpoint: &Endpoint) -> String {
        self.statement(endpoint, false)
    }

    fn statement(self, endpoint: &Endpoint, local: bool) -> String {
        let value = self.value(endpoint);
        format!(
            "select pg_catalog.set_config('search_path',{},{local})",
            Literal(&value)
        )
    }
}

/// The search_path in settings as the server's command line has them: `-c search_path=app`. The last one counts.
fn told(options: &str) -> Option<String> {
    let mut words = words(options).into_iter();
    let mut path = None;
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c").or(word.strip_prefix("--")) {
            Some("") => words.next().unwrap_or_default(),
            Some(setting) => setting.to_owned(),
            None => continue,
        };
        if let Some((name, value)) = setting.split_once('=')
            && name.replace('-', "_").eq_ignore_ascii_case("search_path")
        {
            path = Some(value.to_owned());
        }
    }
    path
}

/// Words with blanks between them; a backslash keeps what is behind it as it is.
fn words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = options.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => word.extend(letters.next()),
            letter if letter.is_ascii_whitespace() => words.push(std::mem::take(&mut word)),
            letter => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

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

    /// Makes a session what it was before somebody else's text ran in it.
    pub async fn reset(&self) -> Result<()> {
        // Neither looks up a name. They travel together.
        let (reset, set) = tokio::join!(
            self.script("reset session authorization; reset all"),
            self.make_settings(Scope::Session)
        );
        reset?;
        set
    }

    pub(super) async fn make_settings(&self, scope: Scope) -> Result<()> {
        let patience = self.patience();
        let millis = |time: Duration| time.as_millis().to_string();
        let params: [&dyn Param; 4] = [
            &millis(patience.lock),
            &millis(patience.statement),
            &CATALOG,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_say_where_files_look_names_up() {
        for (options, expected) in [
            ("-csearch_path=app", Some("app")),
            ("-c search_path=app,\\ public -c a=b", Some("app, public")),
            ("--search-path=x -c SEARCH_PATH=y", Some("y")),
            (r#"-csearch_path="a\\b""#, Some(r#""a\b""#)),
            ("-c application_name=search_path", None),
            ("-c", None),
            ("", None),
        ] {
            assert_eq!(told(options).as_deref(), expected, "{options}");
        }
    }
}
