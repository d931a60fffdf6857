//! What a session is like before the first question: who answers, how patient we are, and the settings that decide
//! how questions are answered.
//!
//! Nothing of it is left to what a role, a database, a server or the caller's environment has set: a session is given
//! its settings, and they are read back.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use super::db::Db;
use super::endpoint::{Endpoint, Wanted};
use super::ident::Literal;
use super::options::Setting;
use super::query::{Param, Query};
use super::{APPLICATION_NAME, TOOL_VERSION, hurry};
use crate::error::{Error, Result};

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
    pub fn value(self, endpoint: &Endpoint) -> &str {
        match self {
            Self::Catalog => CATALOG,
            Self::Files => endpoint.options().value("search_path").unwrap_or(FILES),
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
            Literal(value)
        )
    }
}

/// What every session has, and every program of PostgreSQL's that works for us: name, and value as the server shows it.
///
/// Left to whoever runs the server: where data lies and how (`default_tablespace`, `default_table_access_method`,
/// `default_toast_compression`), how safe a commit is (`synchronous_commit`), as whom one works (`role`), and
/// `default_transaction_read_only`, which freezes a database on purpose. `lc_messages` is not for every role to set,
/// and no decision hangs on a message.
pub const PINNED: &[(&str, &str)] = &[
    // Defaults, checks and views with a moment in them are shown in it; a file's literals are read in it.
    ("TimeZone", "UTC"),
    // What `IST` in a literal means.
    ("timezone_abbreviations", "Default"),
    // Dates are shown by it, and `01/02/2030` is read by it.
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    // 1 shows a floating-point number so that reading it gives the same number.
    ("extra_float_digits", "1"),
    // The type `money` is shown and read by it.
    ("lc_monetary", "C"),
    // Else every name in a definition has quotes.
    ("quote_all_identifiers", "off"),
    // What a backslash in a string is.
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    // Whether NULL in the text of an array is no value, `x = null` is `x is null`, and what text is XML.
    ("array_nulls", "on"),
    ("transform_null_equals", "off"),
    ("xmloption", "content"),
    // We speak nothing else.
    ("client_encoding", "UTF8"),
    // Off, a function whose body is wrong is made all the same.
    ("check_function_bodies", "on"),
    // `replica` is a session without triggers and foreign keys.
    ("session_replication_role", "origin"),
    // Attempts and locks count on seeing what others have committed; a file chooses for itself.
    ("default_transaction_isolation", "read committed"),
    // Above 0 an index search may give a part of the rows.
    ("gin_fuzzy_search_limit", "0"),
    // A session must outlive an error.
    ("exit_on_error", "off"),
    // Warnings are passed on.
    ("client_min_messages", "notice"),
];

/// Since version 17: `--statement-timeout` is the limit, and a transaction of many statements has none.
const PINNED_SINCE_17: &[(&str, &str)] = &[("transaction_timeout", "0")];

/// What of the address a session does not follow: the settings, and what it has instead; nothing where a flag says it.
pub fn overruled(endpoint: &Endpoint) -> impl Iterator<Item = (&Setting, Option<&'static str>)> {
    endpoint.options().settings.iter().filter_map(|setting| {
        let is = |name: &str| setting.name.eq_ignore_ascii_case(name);
        if is("lock_timeout") || is("statement_timeout") {
            return Some((setting, None));
        }
        let (_, ours) = pinned().find(|(name, _)| is(name))?;
        (*ours != setting.value).then_some((setting, Some(*ours)))
    })
}

fn pinned() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PINNED.iter().chain(PINNED_SINCE_17)
}

/// How long a server takes to notice that its client is gone while it works or waits for a lock, where its system
/// tells.
pub(super) const CLIENT_CHECK: (&str, &str) = ("client_connection_check_interval", "1s");

/// Which relations of others a session reads. A view of a name we ask for may be anybody's, and runs what its owner
/// wrote with our rights; a foreign table asks another server.
pub const VIEWS: &str = "restrict_nonsystem_relation_kind";
const NO_VIEWS: &str = "view, foreign-table";

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
        /// Whether there is an audit function of ours that this role may call.
        pub audits: bool,
        /// What of our bookkeeping is a role's that this one has no reason to trust; nothing where it may not write there.
        pub strange: Option<String>,
        /// Whether its system tells a server that a client is gone.
        pub tells_of_clients: bool,
        /// Whether this is a superuser's session that the database has begin as another role.
        pub role_is_the_databases: bool,
        /// Whether a timeout that is set for its sessions leaves them hardly any time.
        pub hurried: bool,
    }
}

crate::row! {
    /// A setting that was made.
    pub struct Made {
        /// Its name.
        pub name: String,
        /// What the session had by itself; nothing if the server does not know the setting yet.
        pub own: Option<String>,
        /// What it has now, as the server shows it.
        pub held: String,
    }
}

crate::row! {
    /// A setting as it is.
    pub struct Held {
        /// Its name.
        pub name: String,
        /// As the server shows it; nothing if there is none of this name.
        pub value: Option<String>,
    }
}

pub(super) static HELLO: Query<Hello> = crate::query!("session/hello");
static SETUP: Query<Made> = crate::query!("session/setup");
pub(super) static HELD: Query<Held> = crate::query!("session/held");

crate::row! {
    /// A word.
    pub struct Word {
        /// It.
        pub word: String,
    }
}

static KEYWORDS: Query<Word> = crate::query!("session/keywords");

/// The words that are no name unless they stand in quotes.
pub async fn keywords(db: &Db) -> Result<BTreeSet<String>> {
    let words = db.all(&KEYWORDS, &[]).await?;
    Ok(words.into_iter().map(|row| row.word).collect())
}

/// Back to what a session was born with. None of it looks at a table or looks a name up.
const RESET: &str = "reset session authorization; reset role; reset all";

/// The same where the next statement would have no time.
const RESET_IN_HURRY: &str =
    "reset session authorization; reset role; reset all; set statement_timeout = 0";

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
        // Much to remember; on the heap it is out of everybody's way.
        Box::pin(self.make_settings(Scope::Session)).await
    }

    /// Makes a session what it was before it ran somebody else's text.
    pub async fn reset(&self) -> Result<()> {
        self.set_up(self.patience()).await
    }

    /// The statement after which views are read for the rest of the transaction: before what people wrote. A server
    /// that knows no restriction is told nothing.
    pub fn read_views(&self) -> String {
        if self.restricts_views() {
            format!("select pg_catalog.set_config('{VIEWS}','',true)")
        } else {
            "select null".to_owned()
        }
    }

    /// Says of a failure whose timeout it may be, where sessions have hardly any time.
    pub async fn explain_hurry(&self, failure: anyhow::Error) -> anyhow::Error {
        if self.hello().is_some_and(|hello| hello.hurried) {
            hurry::explain(self.endpoint(), failure).await
        } else {
            failure
        }
    }

    /// What begins a transaction, together with what is sent behind it. Where there is hardly any time, it has begun
    /// before anything is sent, and nothing is left to say.
    pub(super) async fn begun<'a>(&self, begin: &'a str) -> Result<&'a str> {
        if self.hello().is_none_or(|hello| !hello.hurried) {
            return Ok(begin);
        }
        hurry::begin(self, begin).await?;
        Ok("")
    }

    pub(super) async fn make_settings(&self, scope: Scope) -> Result<()> {
        let wanted = self.wanted();
        let (names, values) = columns(&wanted);
        let local = scope == Scope::Transaction;
        let params: [&dyn Param; 3] = [&names, &values, &local];
        if local {
            return self.send(&SETUP, &params).await.map(drop);
        }
        let is_hurried = self.hello().is_some_and(|hello| hello.hurried);
        let reset = if is_hurried { RESET_IN_HURRY } else { RESET };
        let asked: [&dyn Param; 1] = [&names];
        let mut tried = 0;
        let (made, held) = loop {
            // They travel together.
            let (reset, made, held) = tokio::join!(
                self.script(reset),
                self.send(&SETUP, &params),
                self.send(&HELD, &asked),
            );
            tried += 1;
            match reset {
                Ok(()) => break (made, held),
                Err(error) if is_hurried => {
                    if !hurry::is_hurried(&error) || tried == hurry::TRIES {
                        return Err(hurry::explain(self.endpoint(), error).await);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let mut made = match made {
            Ok(made) => made,
            Err(error) => return Err(self.unmade(&wanted, error).await),
        };
        for (made, held) in made.iter().zip(held?) {
            if held.value.as_ref() != Some(&made.held) {
                return Err(not_held(made, &held).into());
            }
        }
        if is_hurried {
            // What it had by itself was gone before it was looked at.
            let mut all = made.iter_mut();
            if let Some(limit) = all.find(|made| made.name == "statement_timeout") {
                limit.own = None;
            }
        }
        self.keep_made(made);
        Ok(())
    }

    pub(super) fn patience(&self) -> Patience {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) -> Vec<Made> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.clone()
    }

    fn keep_made(&self, settings: Vec<Made>) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    fn wait_for(&self, patience: Patience) {
        *self.patience.lock().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    /// What `RESET ALL` takes from the session: settings it had not got by itself.
    pub fn lost_by_reset(&self) -> Vec<Setting> {
        let mut made = self.made();
        made.retain(|made| made.own.as_ref() != Some(&made.held));
        let settings = made
            .into_iter()
            .map(|Made { name, held, .. }| Setting { name, value: held });
        settings.collect()
    }

    /// What a program has to be given that does a session's work: what is pinned, and what the address asks for, as far
    /// as a session does not begin with it.
    pub(super) fn for_programs(&self) -> Vec<Setting> {
        let theirs = &self.endpoint().options().settings;
        let mut settings = self.lost_by_reset();
        settings.retain(|setting| {
            let is = |name: &str| setting.name.eq_ignore_ascii_case(name);
            // An archive does not say by which rules its money is written: it goes by those of the database.
            (!is("lc_monetary") && pinned().any(|(name, _)| is(name)))
                || (!is("search_path") && theirs.iter().any(|setting| is(&setting.name)))
        });
        settings
    }

    /// The settings of a session. What is ours comes first and is not overruled by what the address asks for.
    fn wanted(&self) -> Vec<Setting> {
        let endpoint = self.endpoint();
        let patience = self.patience();
        let millis = |time: Duration| time.as_millis().to_string();
        let mut wanted: Vec<Setting> = Vec::new();
        let mut want = |name: &str, value: &str| {
            wanted.push(Setting {
                name: name.to_owned(),
                value: value.to_owned(),
            });
        };
        want("search_path", CATALOG);
        want("lock_timeout", &millis(patience.lock));
        want("statement_timeout", &millis(patience.statement));
        want("idle_in_transaction_session_timeout", "60s");
        want("idle_session_timeout", "0");
        if self.restricts_views() {
            want(VIEWS, NO_VIEWS);
        }
        if self
            .hello()
            .is_some_and(|hello| hello.role_is_the_databases)
        {
            want("role", "none");
        }
        // A role that policies hide rows from gets an error, and not the rows that are left.
        want("row_security", "off");
        // The server ends what nobody waits for any more.
        if self.hello().is_some_and(|hello| hello.tells_of_clients) {
            want(CLIENT_CHECK.0, CLIENT_CHECK.1);
        }
        // A pooler gives it to the session; what resets the session takes it away again.
        want(
            "application_name",
            endpoint.application_name().unwrap_or(APPLICATION_NAME),
        );
        // What they change is written down with these; a superuser's settings for a role do not say otherwise.
        want("toysoldiers.tool_version", TOOL_VERSION);
        if let Some(actor) = &endpoint.actor {
            want("toysoldiers.actor", actor);
        }
        let since_17 = PINNED_SINCE_17.iter().filter(|_| self.server_major() >= 17);
        for (name, value) in PINNED.iter().chain(since_17) {
            want(name, value);
        }
        let ours = wanted.len();
        for setting in &endpoint.options().settings {
            let is_ours = |ours: &Setting| ours.name.eq_ignore_ascii_case(&setting.name);
            if !wanted[..ours].iter().any(is_ours) {
                wanted.push(setting.clone());
            }
        }
        wanted
    }

    /// Which setting it was that the server refused: they are asked for one by one.
    async fn unmade(&self, wanted: &[Setting], error: anyhow::Error) -> anyhow::Error {
        for setting in wanted {
            let (names, values) = columns(std::slice::from_ref(setting));
            let params: [&dyn Param; 3] = [&names, &values, &false];
            if let Err(error) = self.send(&SETUP, &params).await {
                let is = |name: &str| setting.name.eq_ignore_ascii_case(name);
                return if pinned().any(|(name, _)| is(name)) {
                    let asked: [&dyn Param; 1] = [&names];
                    let held = self.send(&HELD, &asked).await.unwrap_or_default();
                    let own = held.into_iter().next().and_then(|held| held.value);
                    refused(setting, own.as_deref(), &error).into()
                } else if self.endpoint().options().value(&setting.name).is_some() {
                    unknown(setting, &error).into()
                } else {
                    error
                };
            }
        }
        error
    }
}

fn columns(settings: &[Setting]) -> (Vec<String>, Vec<String>) {
    settings
        .iter()
        .map(|Setting { name, value }| (name.clone(), value.clone()))
        .unzip()
}

fn refused(Setting { name, value }: &Setting, own: Option<&str>, error: &anyhow::Error) -> Error {
    let own = own.unwrap_or("another value");
    Error::refused(format!("this role may not set {name} to {value}"))
        .after(error)
        .note(format!(
            "its sessions begin with {own}, which is set for the role, the database or the server"
        ))
        .note("nothing was done")
        .hint(format!(
            "have somebody who may run `alter role ... reset {name}` or `alter database ... reset {name}`"
        ))
}

fn unknown(Setting { name, value }: &Setting, error: &anyhow::Error) -> Error {
    Error::configuration(format!(
        "the address asks for {name} = {value}, which the server refuses"
    ))
    .after(error)
    .note("nothing was done")
    .hint("correct the setting in `options` of the address, or leave it out")
}

fn not_held(made: &Made, held: &Held) -> Error {
    let Made {
        name, held: made, ..
    } = made;
    let found = held.value.as_deref().unwrap_or("nothing");
    Error::refused(format!(
        "{name} does not hold: the session was given {made}, and has {found}"
    ))
    .note("whatever is between us and the server gives what is set for the session away")
    .note("nothing was done")
    .hint("connect to the server itself, or to a pool in session mode")
}

/// How long a setting lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Session,
    Transaction,
}
