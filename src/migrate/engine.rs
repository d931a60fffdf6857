//! What it takes to run a file: a session, limits, patience, and somebody to tell.
//!
//! A file that changes tables waits for locks, and everybody who comes after it waits too. So it waits briefly,
//! gives up, lets the others pass, and tries again: the whole of it if it is a transaction, else the statement.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::directive::Directives;
use super::file::Migration;
use super::script::Script;
use super::transaction::Failure;
use crate::bookkeeping::TOOL_VERSION;
use crate::pg::blockers::Watch;
use crate::pg::ident::Literal;
use crate::pg::{Db, Patience, session};
use crate::plan::{Event, Progress};

/// The longest text that is kept, in bytes: what is longer is compared by its hash alone.
pub(super) const KEPT: usize = 4 << 20;

/// How long a migration may wait and take, and who runs it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a lock on a table; nothing if nobody says. A file says it for itself.
    pub lock_timeout: Option<Duration>,
    /// For a statement; zero is for ever.
    pub statement_timeout: Option<Duration>,
    /// For how long it is tried again when others hold a lock.
    pub retry_for: Duration,
    /// Who runs it, for the record.
    pub actor: String,
}

impl Limits {
    /// How long this file waits for a lock.
    pub(super) fn lock_timeout(&self, directives: &Directives) -> Duration {
        let said = self.lock_timeout.or(directives.lock_timeout);
        said.unwrap_or(Patience::migrating().lock)
    }

    fn statement_timeout(&self, directives: &Directives) -> Duration {
        let said = self.statement_timeout.or(directives.statement_timeout);
        said.unwrap_or(Patience::migrating().statement)
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
    pub limits: &'a Limits,
    pub progress: &'a dyn Progress,
    pub watch: Watch,
}

/// How long settings last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// To the end of a transaction that begins with them.
    Commit,
    /// To the end of the transaction that is open.
    LaterCommit,
    /// To the end of the session.
    Goodbye,
}

/// What goes before a file.
pub(super) struct Lead {
    /// Statements, and a newline.
    pub text: String,
    /// How many.
    pub statements: usize,
}

/// Statements of [`settings`] that are not the one that begins a transaction.
const SETTINGS: usize = 5;

impl<'a> Engine<'a> {
    pub(super) fn new(db: &'a Db, limits: &'a Limits, progress: &'a dyn Progress) -> Self {
        Self {
            db,
            limits,
            progress,
            watch: Watch::default(),
        }
    }

    /// What goes before a file.
    pub(super) fn settings(&self, directives: &Directives, until: Until) -> Lead {
        settings(self.db, self.limits, directives, until)
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
                self.progress.warn(&format!("{line}{hint}"));
            } else {
                self.progress.say(&format!("notice: {line}"));
            }
        }
    }

    /// Attempts at `what`, which may be in the way of others.
    pub(super) fn attempts<'e>(&'e self, what: &'e str, directives: &Directives) -> Attempts<'e> {
        let wait = self.limits.lock_timeout(directives);
        Attempts {
            engine: self,
            what,
            start: Instant::now(),
            first: (wait / 4).clamp(Duration::from_millis(10), Duration::from_millis(500)),
            pause: Pause::default(),
        }
    }
}

/// What goes before a file. Whatever the file before set for the session is
/// undone; whatever this one may wait for is bounded. One statement makes all settings: a thousand files feel it.
pub(super) fn settings(db: &Db, limits: &Limits, directives: &Directives, until: Until) -> Lead {
    let millis = |time: Duration| time.as_millis().to_string();
    let search_path = session::search_path(db.endpoint());
    let settings = [
        (
            "lock_timeout",
            Some(millis(limits.lock_timeout(directives))),
        ),
        (
            "statement_timeout",
            Some(millis(limits.statement_timeout(directives))),
        ),
        ("idle_in_transaction_session_timeout", Some("0".to_owned())),
        // A migration that policies hide rows from fails, instead of changing the rows that are left.
        ("row_security", Some("off".to_owned())),
        ("search_path", search_path.map(str::to_owned)),
        ("toysoldiers.actor", Some(limits.actor.clone())),
        ("toysoldiers.tool_version", Some(TOOL_VERSION.to_owned())),
    ];
    let begin = if until == Until::Commit { "begin;" } else { "" };
    let local = until != Until::Goodbye;
    let mut text = format!(
        "reset session authorization;reset all;discard temp;deallocate all;{begin}\
         select case when version() like '%linux%' then set_config('client_connection_check_interval','5s',{local}) end",
    );
    for (name, value) in &settings {
        if let Some(value) = value {
            let _ = write!(text, ",set_config('{name}',{},{local})", Literal(value));
        }
    }
    text.push_str(";\n");
    Lead {
        text,
        statements: SETTINGS + usize::from(until == Until::Commit),
    }
}

/// Attempts at something that others may be in the way of.
pub(super) struct Attempts<'e> {
    engine: &'e Engine<'e>,
    what: &'e str,
    start: Instant,
    /// When to look first who is in the way.
    first: Duration,
    pause: Pause,
}

impl Attempts<'_> {
    /// One attempt; it is told who is in its way.
    pub(super) async fn attempt<T>(&self, work: impl Future<Output = T>) -> T {
        let Engine {
            db,
            watch,
            progress,
            ..
        } = self.engine;
        watch
            .beside(db, self.first, self.what, *progress, work)
            .await
    }

    /// Waits until it is time for the next attempt; the failure again if there is to be none.
    pub(super) async fn pause(&mut self, mut failure: Failure) -> Result<(), Failure> {
        if !failure.is_contention() {
            return Err(failure);
        }
        let Engine {
            watch,
            progress,
            limits,
            ..
        } = self.engine;
        failure.blockers = watch.seen().await;
        let next = self.pause.next();
        if self.start.elapsed() + next >= limits.retry_for {
            failure.tried = self.pause.count;
            return Err(failure);
        }
        let (what, why) = (self.what, failure.reason());
        progress.happened(&Event {
            event: "retrying",
            object: what,
            numbers: &[(
                "pause_ms",
                u64::try_from(next.as_millis()).unwrap_or(u64::MAX),
            )],
            message: Some(&why),
            line: String::new(),
        });
        // Less and less often: the lines are for whoever comes to look.
        if self.pause.count.is_power_of_two() {
            progress.say(&format!(
                "{what}: {why}; trying again in {:.1} s",
                next.as_secs_f64()
            ));
        }
        progress.working(&format!("waiting to try {what} again"));
        sleep(next).await;
        Ok(())
    }
}

/// Pauses between attempts: twice as long each time up to a limit, and never the same for two who are in each
/// other's way.
#[derive(Default)]
struct Pause {
    count: u32,
}

impl Pause {
    fn next(&mut self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(100);
        const LONGEST: Duration = Duration::from_secs(5);
        let full = (SHORTEST * (1 << self.count.min(16))).min(LONGEST);
        self.count += 1;
        let mut random = [0_u8; 1];
        // Without random bytes everybody pauses alike, which is no worse than having no jitter.
        let _ = getrandom::fill(&mut random);
        full / 2 + full * u32::from(random[0]) / 512
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_never_nothing() {
        let mut pause = Pause::default();
        for number in 0..40 {
            let next = pause.next();
            let full =
                Duration::from_millis(100 * (1 << number.min(6))).min(Duration::from_secs(5));
            assert!(next >= full / 2 && next <= full, "{number}: {next:?}");
        }
    }
}
