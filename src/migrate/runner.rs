//! refinery drives; this is the vehicle.
//!
//! refinery decides what runs in which order and writes the history rows. Each migration goes to the server as
//! one message: settings, `BEGIN`, the file, the history row, `COMMIT`. The server parses the whole message
//! before it runs any of it, and stops at the first error, so a migration happens with its row or not at all.

use std::fmt::Write;
use std::time::{Duration, Instant};

use refinery::{Migration as Refined, Runner};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::directive::{self, Directives};
use super::file::Migration;
use super::history::History;
use super::preflight;
use crate::bookkeeping::TOOL_VERSION;
use crate::error::{Error, Excerpt, Kind, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::ident::Literal;
use crate::pg::{Db, Patience, session, sql, sqlstate};
use crate::plan::Progress;

/// A migration that takes longer is worth a line when it is done, also where nobody sees a moving one.
const LONG: Duration = Duration::from_secs(1);

const TABLE: &str = "toysoldiers.history";

/// How long a migration may wait and take, and who runs it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a lock on a table; else what the file says, else two seconds.
    pub lock_timeout: Option<Duration>,
    /// For a statement; zero is for ever. Else what the file says, else for ever.
    pub statement_timeout: Option<Duration>,
    /// Who runs it, for the record.
    pub actor: String,
}

/// A migration that ran just now.
#[derive(Debug, Clone, Serialize)]
pub struct Ran {
    /// `005_creators`.
    pub migration: String,
    /// How many statements it holds.
    pub statements: usize,
    /// How long it took, there and back, in milliseconds.
    pub duration_ms: u64,
}

/// Applies `pending`, which is what refinery will find pending among `all`; `last` is what ran before.
pub(super) async fn run(
    db: &Db,
    all: &[Migration],
    pending: &[&Migration],
    last: Option<String>,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Vec<Ran>> {
    let mut vehicle = Vehicle {
        db,
        pending: pending.iter().rev().copied().collect(),
        limits,
        progress,
        last,
        ran: Vec::new(),
        failure: None,
    };
    let all: Vec<Refined> = all
        .iter()
        .map(|migration| migration.refined.clone())
        .collect();
    let mut runner = Runner::new(&all);
    runner.set_migration_table_name(TABLE);
    let outcome = runner.run_async(&mut vehicle).await;
    if let Some(failure) = vehicle.failure {
        return Err(failure.into());
    }
    outcome.map_err(|error| {
        Error::new(Kind::Bug, "refinery sees the history otherwise than we do").because(error)
    })?;
    Ok(vehicle.ran)
}

struct Vehicle<'a> {
    db: &'a Db,
    /// Last first.
    pending: Vec<&'a Migration>,
    limits: &'a Limits,
    progress: &'a dyn Progress,
    last: Option<String>,
    ran: Vec<Ran>,
    /// The whole story of a failure; refinery only hears that there was one.
    failure: Option<Error>,
}

/// What refinery hears.
#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the migration failed")
    }
}

impl std::error::Error for Failed {}

impl AsyncTransaction for Vehicle<'_> {
    type Error = Failed;

    /// Called with nothing to assert the table, which is there, and with `[file, history row]` a migration.
    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Failed> {
        let queries: Vec<&str> = queries.filter(|query| !query.is_empty()).collect();
        let Some(record) = queries.last().filter(|query| query.starts_with("INSERT")) else {
            return Ok(0);
        };
        match self.apply(record).await {
            Ok(()) => Ok(1),
            Err(failure) => {
                self.failure = Some(failure);
                Err(Failed)
            }
        }
    }
}

impl AsyncQuery<Vec<Refined>> for Vehicle<'_> {
    async fn query<'a>(&'a mut self, _query: &'a str) -> Result<Vec<Refined>, Failed> {
        let read = History::read(self.db).await.and_then(|history| {
            let rows = history.rows.into_iter();
            rows.map(|row| {
                let applied_on = OffsetDateTime::parse(&row.applied_on, &Rfc3339)?;
                Ok(Refined::applied(
                    row.version,
                    row.name,
                    applied_on,
                    row.checksum.parse()?,
                ))
            })
            .collect()
        });
        read.map_err(|error| {
            self.failure = Some(Error::failed("the history cannot be read").after(&error));
            Failed
        })
    }
}

impl AsyncMigrate for Vehicle<'_> {
    fn assert_migrations_table_query(_name: &str) -> String {
        // Made before, with the rest of our schema.
        String::new()
    }
}

impl Vehicle<'_> {
    async fn apply(&mut self, record: &str) -> Result<(), Error> {
        let Some(migration) = self.pending.pop() else {
            return Err(Error::new(
                Kind::Bug,
                "refinery runs a migration that is not pending",
            ));
        };
        let directives = directive::read(migration.sql()).directives;
        let search_path = session::search_path(self.db.endpoint());
        let (prefix, statements_before) = prefix(self.limits, &directives, search_path);
        // The newline ends a comment in the file's last line; the semicolon ends its last statement.
        let sql = preflight::executable(migration.sql());
        let message = format!("{prefix}{sql}\n;{record};commit");
        let start = Instant::now();
        self.progress
            .working(&format!("applying {}", migration.title()));
        let result = self.db.try_script(&message).await;
        for notice in self.db.notices() {
            self.pass_on(migration, &notice);
        }
        let completed = match result {
            Ok(completed) => completed,
            Err(failure) => {
                // An error leaves the session inside the failed transaction.
                let _ = self.db.script("rollback").await;
                return Err(self.explain(migration, &prefix, statements_before, failure));
            }
        };
        // Our own: the settings before, the history row and COMMIT after.
        let statements = completed.saturating_sub(statements_before + 2);
        if statements == 0 {
            self.progress.warn(&format!(
                "{} holds no statement; it was recorded all the same",
                migration.path
            ));
        }
        if start.elapsed() >= LONG {
            self.progress.say(&format!(
                "applied {} in {} s",
                migration.title(),
                start.elapsed().as_secs()
            ));
        }
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.ran.push(Ran {
            migration: migration.title().to_owned(),
            statements,
            duration_ms,
        });
        Ok(())
    }

    fn pass_on(&self, migration: &Migration, notice: &DbError) {
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

    fn explain(
        &self,
        migration: &Migration,
        prefix: &str,
        before: usize,
        failure: ScriptFailure,
    ) -> Error {
        let place = place(migration, prefix, before, &failure);
        let statements = preflight::offsets(migration).len();
        let stage = match failure.completed.saturating_sub(before) {
            _ if place.is_some() => Stage::File,
            completed if completed > statements => Stage::Commit,
            _ => Stage::Record,
        };
        let ScriptFailure { error, .. } = failure;
        let server = error.as_db_error();
        let known = server.is_some();
        let suggestion = server.and_then(DbError::hint).map(str::to_owned);
        let detail = server.and_then(DbError::detail).map(str::to_owned);
        let context = server.and_then(DbError::where_).map(str::to_owned);
        let cause = match server {
            Some(db) => sqlstate::bare(db),
            None => sqlstate::explain(error),
        };
        let mut error = Error::new(cause.kind, format!("migration {} failed", migration.file));
        if let Some(place) = place {
            error = error.at(place);
        }
        for note in detail
            .into_iter()
            .chain(context.map(|context| format!("in {context}")))
        {
            error = error.note(note);
        }
        let last = self
            .ran
            .last()
            .map(|ran| &ran.migration)
            .or(self.last.as_ref());
        let kept = match last {
            Some(last) => format!("{last} is the last applied migration"),
            None => "no migration is applied".to_owned(),
        };
        let again = "run `toysoldiers migrate up` again";
        if !known {
            return error
                .note(format!(
                    "whether {} was kept is not known; {kept}",
                    migration.title()
                ))
                .because(cause)
                .hint(format!("see `toysoldiers migrate status`, then {again}"));
        }
        let hint = match (stage, suggestion) {
            (Stage::Record, _) => {
                error = error
                    .note("the file ran, but its row in toysoldiers.history could not be written");
                Some(format!(
                    "undo in the file what it changes for the session, its role say, and {again}"
                ))
            }
            (Stage::Commit, _) => {
                error = error.note("the file ran, but what it leaves cannot be committed");
                Some(format!("fix the file and {again}"))
            }
            (Stage::File, Some(suggestion)) => Some(format!(
                "{}; fix the file and {again}",
                suggestion.trim_end_matches('.')
            )),
            // Not the file's fault: what the server's code means is the better advice.
            (Stage::File, None) if cause.has_hint() => None,
            (Stage::File, None) => Some(format!("fix the file and {again}")),
        };
        let error = error
            .note(format!("nothing of {} was kept; {kept}", migration.title()))
            .because(cause);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// What of a migration's message failed.
#[derive(Clone, Copy)]
enum Stage {
    File,
    Record,
    Commit,
}

/// What goes before the file, and how many statements it is. Whatever the file before set for the session is
/// undone; whatever this one may wait for is bounded. One statement makes all settings: a thousand files feel it.
fn prefix(limits: &Limits, directives: &Directives, search_path: Option<&str>) -> (String, usize) {
    let usual = Patience::migrating();
    let lock_timeout = limits.lock_timeout.or(directives.lock_timeout);
    let statement_timeout = limits.statement_timeout.or(directives.statement_timeout);
    let millis = |time: Duration| time.as_millis().to_string();
    let settings = [
        (
            "lock_timeout",
            Some(millis(lock_timeout.unwrap_or(usual.lock))),
        ),
        (
            "statement_timeout",
            Some(millis(statement_timeout.unwrap_or(usual.statement))),
        ),
        ("idle_in_transaction_session_timeout", Some("0".to_owned())),
        // A migration that policies hide rows from fails, instead of changing the rows that are left.
        ("row_security", Some("off".to_owned())),
        ("search_path", search_path.map(str::to_owned)),
        ("toysoldiers.actor", Some(limits.actor.clone())),
        ("toysoldiers.tool_version", Some(TOOL_VERSION.to_owned())),
    ];
    let mut text = String::from(
        "reset session authorization;reset all;discard temp;deallocate all;begin;\
         select case when version() like '%linux%' then set_config('client_connection_check_interval','5s',true) end",
    );
    for (name, value) in &settings {
        if let Some(value) = value {
            let _ = write!(text, ",set_config('{name}',{},true)", Literal(value));
        }
    }
    text.push_str(";\n");
    (text, 6)
}

/// Where in the file it went wrong: where the server points, else the statement that did not complete. Nothing
/// if it was not in the file.
fn place(
    migration: &Migration,
    prefix: &str,
    before: usize,
    failure: &ScriptFailure,
) -> Option<Excerpt> {
    let server = failure.error.as_db_error()?;
    let sql = migration.sql();
    if let Some(ErrorPosition::Original(position)) = server.position() {
        let position = usize::try_from(*position)
            .ok()?
            .checked_sub(prefix.chars().count())?;
        let offset = sql::byte_offset(sql, position);
        if offset < sql.len() {
            return Some(Excerpt::new(
                &migration.path,
                sql,
                offset,
                sql::token_length(sql, offset),
            ));
        }
        // What the parser trips over after the file is what the file left unfinished.
        let end = sql.trim_end().len();
        let unfinished = *server.code() == SqlState::SYNTAX_ERROR;
        return unfinished.then(|| Excerpt::new(&migration.path, sql, end, 1));
    }
    let (offset, length) =
        *preflight::offsets(migration).get(failure.completed.checked_sub(before)?)?;
    Some(Excerpt::new(&migration.path, sql, offset, length))
}
