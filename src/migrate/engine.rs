//! What it takes to run a file: a session, limits, patience, and somebody to tell.
//!
//! A file that changes tables waits for locks, and everybody who comes after it waits too. So it waits briefly,
//! gives up, lets the others pass, and tries again: the whole of it if it is a transaction, else the statement.

use std::fmt::Write;
use std::time::Duration;

use super::detaching;
use super::directive::Directives;
use super::file::Migration;
use super::script::Script;
use crate::pg::attempt::Attempts;
use crate::pg::ident::Literal;
use crate::pg::session::{self, SearchPath};
use crate::pg::{Db, Patience, RunContext, lock};

/// The longest text that is kept, in bytes: what is longer is compared by its hash alone.
pub(super) const KEPT: usize = 4 << 20;

/// How long a file waits for a lock, and its statements may take: what somebody says counts more than what the file
/// says for itself.
pub(super) fn patience(
    lock: Option<Duration>,
    statement: Option<Duration>,
    directives: &Directives,
) -> Patience {
    let otherwise = Patience::migrating();
    Patience {
        lock: lock.or(directives.lock_timeout).unwrap_or(otherwise.lock),
        statement: statement
            .or(directives.statement_timeout)
            .unwrap_or(otherwise.statement),
    }
}

/// A file on its way to the server.
pub(super) struct Work<'a> {
    pub migration: &'a Migration,
    pub directives: Directives,
    pub script: Script<'a>,
}

impl<'a> Work<'a> {
    /// Reads a file, which has passed the preflight.
    pub(super) fn of(migration: &'a Migration) -> Self {
        Self {
            migration,
            directives: super::directive::read(migration.sql()).directives,
            script: Script::of(migration.sql()),
        }
    }

    /// Whether the text in the message that sends it is the text of the file.
    pub(super) fn is_sent_whole(&self) -> bool {
        self.script.parts.len() == 1 && self.script.text == self.migration.sql()
    }
}

/// Runs files.
pub(super) struct Engine<'a> {
    pub db: &'a Db,
    pub run: RunContext<'a>,
}

/// Which transaction a file is in; its settings are the session's, until the next file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// One that begins with it.
    Commit,
    /// The one that is open.
    LaterCommit,
    /// None.
    Goodbye,
}

/// What goes before a file.
pub(super) struct Lead {
    /// Statements, and a newline.
    pub text: String,
    /// How many.
    pub statements: usize,
}

/// Statements of [`settings`] that make a session what it is to be.
const SETTINGS: usize = 5;

/// Statements around them, and the one after them, where a transaction begins.
const BEGINNING: usize = 3;

impl Engine<'_> {
    /// How long this file waits and takes.
    pub(super) fn patience(&self, directives: &Directives) -> Patience {
        patience(
            self.run.lock_timeout,
            self.run.statement_timeout,
            directives,
        )
    }

    /// What goes before a file.
    pub(super) fn settings(&self, work: &Work<'_>, until: Until) -> Lead {
        settings(
            self.db,
            self.patience(&work.directives),
            &work.directives,
            work.migration.search_path,
            until,
            work.script.begin,
        )
    }

    /// Passes on what the server said aside while a file ran.
    pub(super) fn pass_on_notices(&self, migration: &Migration) {
        for notice in self.db.notices() {
            let line = format!("{}: {}", migration.file, notice.message());
            if notice.severity() == "WARNING" {
                let hint = notice
                    .hint()
                    .map(|hint| format!(" ({hint})"))
                    .unwrap_or_default();
                self.run.progress.warn(&format!("{line}{hint}"));
            } else {
                self.run.progress.say(&format!("notice: {line}"));
            }
        }
    }

    /// Attempts at `what`, which may be in the way of others.
    pub(super) fn attempts<'e>(&'e self, what: &'e str, directives: &Directives) -> Attempts<'e> {
        Attempts::new(self.db, self.run, what, self.patience(directives).lock)
    }
}

/// What goes before a file. Whatever the file before set for the session is undone, and the session's own settings are
/// made again; whatever this one may wait for is bounded; the policies it detaches are taken off. One statement makes all
/// settings: a thousand files feel it. Names in the file are looked up where `search_path` says; what goes before it
/// looks up none by itself.
///
/// They are made in a transaction of their own, for the session: the one of the file begins without a snapshot, so that
/// the file can choose what kind of transaction it is. `begin` is the file's own way to do so.
pub(super) fn settings(
    db: &Db,
    patience: Patience,
    directives: &Directives,
    search_path: SearchPath,
    until: Until,
    begin: Option<&str>,
) -> Lead {
    let millis = |time: Duration| time.as_millis().to_string();
    let search_path = search_path.value(db.endpoint());
    let settings = [
        ("lock_timeout", millis(patience.lock)),
        ("statement_timeout", millis(patience.statement)),
        ("idle_in_transaction_session_timeout", "0".to_owned()),
        // A migration that policies hide rows from fails, instead of changing the rows that are left.
        ("row_security", "off".to_owned()),
        ("search_path", search_path.to_owned()),
    ];
    let (opening, ending) = match until {
        Until::Commit => ("begin;", format!("commit;{};", begin.unwrap_or("begin"))),
        Until::LaterCommit | Until::Goodbye => ("", String::new()),
    };
    let settings = settings.iter().map(|(name, value)| (*name, &**value));
    // What RESET ALL brings back was found out when the session began; a reload of the server's configuration since
    // then can bring back something else.
    let lost = db.lost_by_reset();
    let lost = lost.iter().filter(|setting| {
        // A file reads what it likes.
        setting.name != session::VIEWS && !settings.clone().any(|(name, _)| name == setting.name)
    });
    let all: Vec<String> = settings
        .clone()
        .chain(lost.map(|setting| (&*setting.name, &*setting.value)))
        .map(|(name, value)| {
            let (name, value) = (Literal(name), Literal(value));
            format!("pg_catalog.set_config({name},{value},false)")
        })
        .collect();
    let mut text = format!(
        "reset session authorization;reset all;discard temp;deallocate all;{opening}{}",
        lock::guard(db, &all.join(","))
    );
    text.push_str(&ending);
    let detach = detaching::detach(directives);
    let beginning = if until == Until::Commit { BEGINNING } else { 0 };
    let statements = SETTINGS + beginning + usize::from(detach.is_some());
    if let Some(detach) = detach {
        let _ = write!(text, "{detach};");
    }
    text.push('\n');
    Lead { text, statements }
}
