//! A file in a transaction, together with the rows that remember it.
//!
//! Nearly every file goes to the server as one message: settings, `BEGIN`, the file, the rows, `COMMIT`. The server
//! parses the whole message before it runs any of it, and stops at the first error, so a migration happens with its
//! rows or not at all. Only the rows of a `COPY` travel apart, and a large file travels in pieces: a message is kept
//! until it has run, by the server with the trees of all its statements.

use std::borrow::Cow;
use std::ops::Range;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::directive;
use super::engine::{Engine, Lead, Until, Work};
use super::record::{COMMIT, COMMIT_COUNT};
use super::script::{self, Part};
use crate::error::Excerpt;
use crate::pg::attempt::{Contended, Contention};
use crate::pg::db::ScriptFailure;
use crate::pg::{lock, sql};

/// What of a file's way failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Making sure of the lock of the run, before anything else.
    Lock,
    /// Taking policies off, before the file.
    Detach,
    /// The file itself.
    File,
    /// Making the policies again, after the file.
    Attach,
    /// The rows that remember it.
    Record,
    /// The end of the transaction.
    Commit,
}

/// Why a file did not run.
#[derive(Debug)]
pub(super) struct Failure {
    pub stage: Stage,
    /// Where in the file, if it was in the file.
    pub place: Option<Excerpt>,
    pub error: tokio_postgres::Error,
    /// Who was in the way.
    pub contention: Contention,
}

impl Failure {
    /// Whether the server's answer is missing, so that nobody knows what it did.
    pub(super) fn is_lost(&self) -> bool {
        let ended = |code: &SqlState| {
            [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::IDLE_SESSION_TIMEOUT,
            ]
            .contains(code)
        };
        self.error.as_db_error().is_none() || self.error.code().is_some_and(ended)
    }
}

impl Contended for Failure {
    fn code(&self) -> Option<&str> {
        self.error.code().map(SqlState::code)
    }

    fn message(&self) -> String {
        let server = self.error.as_db_error();
        server.map_or_else(String::new, |db| db.message().to_owned())
    }

    fn held_up(self, contention: Contention) -> Self {
        Self { contention, ..self }
    }
}

/// Where a file stands among those that share a transaction; by itself it opens and closes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Among {
    /// Whether it begins the transaction.
    pub first: bool,
    /// Whether it commits it.
    pub last: bool,
}

impl Among {
    /// Which transaction it is in.
    pub(super) fn until(self) -> Until {
        if self.first {
            Until::Commit
        } else {
            Until::LaterCommit
        }
    }
}

/// The rows that remember a file, written after it.
#[derive(Debug)]
pub(super) struct Closing {
    /// Statements, with semicolons between.
    pub sql: String,
    /// How many.
    pub statements: usize,
    /// Which of them makes policies again, from 0.
    pub attach: Option<usize>,
    /// Whether the last of them ends the transaction.
    pub commits: bool,
}

/// A part of the file with what goes before and after it in one message.
struct Message<'a> {
    lead: Option<&'a Lead>,
    range: Range<usize>,
    closing: Option<&'a Closing>,
}

impl Message<'_> {
    fn lead(&self) -> &str {
        self.lead.map_or("", |lead| &lead.text)
    }

    /// How many statements go before the file's own.
    fn before(&self) -> usize {
        self.lead.map_or(0, |lead| lead.statements)
    }
}

impl Engine<'_> {
    /// Sends a file with its rows; how many statements it holds. After an error the transaction is open and broken.
    pub(super) async fn send(
        &self,
        work: &Work<'_>,
        among: Among,
        lead: &Lead,
        closing: &Closing,
    ) -> Result<usize, Failure> {
        let mut lead = Some(lead);
        let mut statements = 0;
        let mut closing = Some(Closing {
            sql: if among.last {
                format!("{};{COMMIT}", closing.sql)
            } else {
                closing.sql.clone()
            },
            statements: closing.statements + if among.last { COMMIT_COUNT } else { 0 },
            attach: closing.attach,
            commits: among.last,
        });
        let parts = &work.script.parts;
        if parts.is_empty() {
            return Ok(0);
        }
        for (index, part) in parts.iter().enumerate() {
            let (range, rows) = match part {
                Part::Statements(range) => (range.clone(), None),
                Part::Rows(copy, rows) => (copy.clone(), Some(rows)),
            };
            // A message of more than the statement would be another copy of it.
            let is_alone = rows.is_some() || range.len() > script::LARGE;
            if is_alone && let Some(lead) = lead.take() {
                let message = Message {
                    lead: Some(lead),
                    range: range.start..range.start,
                    closing: None,
                };
                self.message(work, statements, message).await?;
            }
            if let Some(rows) = rows {
                self.rows(work, &range, rows).await?;
                statements += 1;
                continue;
            }
            let is_last = index + 1 == parts.len();
            let closing = if is_last && !is_alone {
                closing.take()
            } else {
                None
            };
            let message = Message {
                lead: lead.take(),
                range,
                closing: closing.as_ref(),
            };
            statements += self.message(work, statements, message).await?;
        }
        if let Some(closing) = &closing {
            let end = work.script.text.len();
            let message = Message {
                lead: None,
                range: end..end,
                closing: Some(closing),
            };
            self.message(work, statements, message).await?;
        }
        Ok(statements)
    }

    /// Leaves a broken transaction.
    pub(super) async fn rollback(&self) {
        // Without a connection there is nothing to leave.
        let _ = self.db.script("rollback").await;
    }

    async fn message(
        &self,
        work: &Work<'_>,
        so_far: usize,
        message: Message<'_>,
    ) -> Result<usize, Failure> {
        let part = &work.script.text[message.range.clone()];
        let closing = message.closing.map_or("", |closing| closing.sql.as_str());
        let text = if message.lead.is_none() && closing.is_empty() {
            Cow::Borrowed(part)
        } else {
            // The newline ends a comment in the file's last line; the semicolon ends its last statement.
            Cow::Owned([message.lead(), part, "\n;", closing].concat())
        };
        let title = work.migration.title();
        let result = self
            .db
            .try_long_script(&text, |completed| {
                if completed.is_multiple_of(1024) {
                    let count = so_far + completed;
                    self.run
                        .progress
                        .counting(&format!("applying {title}: statement {count}"));
                }
            })
            .await;
        let ours = message.before() + message.closing.map_or(0, |closing| closing.statements);
        match result {
            Ok(completed) => Ok(completed.saturating_sub(ours)),
            Err(failure) => Err(failed(work, &message, failure)),
        }
    }

    async fn rows(
        &self,
        work: &Work<'_>,
        copy: &Range<usize>,
        rows: &Range<usize>,
    ) -> Result<(), Failure> {
        let text = &work.script.text;
        let (statement, data) = (&text[copy.clone()], &text[rows.clone()]);
        let Err(error) = self.db.copy_in(statement, data).await else {
            return Ok(());
        };
        let place = error
            .as_db_error()
            .map(|db| place_in_rows(db, statement, data, copy, rows))
            .map(|(offset, length)| excerpt(work, offset, length));
        Err(Failure {
            stage: Stage::File,
            place,
            error,
            contention: Contention::default(),
        })
    }
}

fn excerpt(work: &Work<'_>, offset: usize, length: usize) -> Excerpt {
    Excerpt::new(&work.migration.path, work.migration.sql(), offset, length)
}

fn failed(work: &Work<'_>, message: &Message<'_>, failure: ScriptFailure) -> Failure {
    let mut place = place(work, message, &failure);
    let statements = || work.script.statements(message.range.clone()).count();
    let is_detaching =
        failure.completed + 1 == message.before() && !work.directives.detached.is_empty();
    let is_guarded = failure.completed < message.before()
        && failure
            .error
            .code()
            .is_some_and(|code| code.code() == lock::GUARDED);
    let stage = if is_guarded {
        Stage::Lock
    } else if is_detaching && place.is_none() {
        let span = directive::read(work.migration.sql()).detach_policies;
        place = span.map(|span| excerpt(work, span.start, span.length));
        Stage::Detach
    } else if let (None, Some(closing)) = (&place, message.closing) {
        let done = failure
            .completed
            .saturating_sub(message.before() + statements());
        if closing.commits && done + 1 >= closing.statements {
            Stage::Commit
        } else if closing.attach == Some(done) {
            Stage::Attach
        } else {
            Stage::Record
        }
    } else {
        Stage::File
    };
    Failure {
        stage,
        place,
        error: failure.error,
        contention: Contention::default(),
    }
}

/// Where in the file it went wrong: where the server points, else the statement that did not complete. Nothing
/// if it was not in the file.
fn place(work: &Work<'_>, message: &Message<'_>, failure: &ScriptFailure) -> Option<Excerpt> {
    let server = failure.error.as_db_error()?;
    let range = message.range.clone();
    let part = &work.script.text[range.clone()];
    if let Some(ErrorPosition::Original(position)) = server.position() {
        let position = usize::try_from(*position)
            .ok()?
            .checked_sub(message.lead().chars().count())?;
        let offset = sql::byte_offset(part, position);
        if offset < part.len() {
            let length = sql::token_length(part, offset);
            return Some(excerpt(work, range.start + offset, length));
        }
        // What the parser trips over after the file is what the file left unfinished.
        let end = range.start + part.trim_end().len();
        let unfinished = *server.code() == SqlState::SYNTAX_ERROR && !range.is_empty();
        return unfinished.then(|| excerpt(work, end, 1));
    }
    let number = failure.completed.checked_sub(message.before())?;
    let statement = work.script.statements(range).nth(number)?;
    let length = statement.text.lines().next().map_or(0, str::len);
    Some(excerpt(work, statement.start, length))
}

/// Where in a `COPY` it went wrong: the row the server speaks of, or the statement.
pub(super) fn place_in_rows(
    db: &DbError,
    statement: &str,
    data: &str,
    copy: &Range<usize>,
    rows: &Range<usize>,
) -> (usize, usize) {
    if let Some(ErrorPosition::Original(position)) = db.position() {
        let offset = sql::byte_offset(statement, usize::try_from(*position).unwrap_or(1));
        return (copy.start + offset, sql::token_length(statement, offset));
    }
    let number = db
        .where_()
        .and_then(|context| context.split_once(", line "))
        .and_then(|(_, rest)| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()
        });
    let line = number.and_then(|number| data.split_inclusive('\n').nth(number.checked_sub(1)?));
    match line {
        Some(line) => {
            let offset = line.as_ptr() as usize - data.as_ptr() as usize;
            (rows.start + offset, line.trim_end_matches('\n').len())
        }
        None => (copy.start, statement.lines().next().map_or(0, str::len)),
    }
}
