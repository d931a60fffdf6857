//! One file that undoes a migration, in one transaction and one message with the rows that say so.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tokio_postgres::error::{DbError, ErrorPosition};

use super::file::Migration;
use super::mark::KEPT;
use super::{Limits, Ran, directive, preflight};
use crate::bookkeeping::TOOL_VERSION;
use crate::error::{Error, Excerpt, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::ident::Literal;
use crate::pg::{Db, Patience, session, sql, sqlstate};
use crate::plan::Progress;

/// What is told of an undoing.
pub(super) struct Story<'a> {
    /// The migration: `003_tips`.
    pub title: &'a str,
    /// Those that were undone before it.
    pub before: &'a [Ran],
}

/// Statements after the file: the session's own role again, the row away, the attempt, and the end.
const AFTER: usize = 4;

/// Undoes one migration: all of it with its row, or nothing.
pub(super) async fn run(
    db: &Db,
    down: &Migration,
    story: &Story<'_>,
    limits: &Limits,
    progress: &dyn Progress,
) -> Result<Ran> {
    let (lead, before) = settings(db, down, limits);
    let text = preflight::executable(down.sql());
    let message = format!("{lead}{text}\n;{};commit", closing(down));
    let start = Instant::now();
    progress.working(&format!("undoing {}", story.title));
    let result = db.try_script(&message).await;
    for notice in db.notices() {
        let line = format!("{}: {}", down.file, notice.message());
        if notice.severity() == "WARNING" {
            progress.warn(&line);
        } else {
            progress.say(&format!("notice: {line}"));
        }
    }
    match result {
        Ok(completed) => Ok(Ran {
            migration: story.title.to_owned(),
            statements: completed.saturating_sub(before + AFTER),
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }),
        Err(failure) => {
            // An error leaves the session inside the failed transaction.
            let _ = db.script("rollback").await;
            if let Some(server) = failure.error.as_db_error() {
                // The failure counts; that it could not be written down as well is no news.
                let _ = db
                    .script(&failed(down, server, limits, start.elapsed()))
                    .await;
            }
            let place = place(down, &lead, before, &failure);
            Err(explain(down, story, place, failure))
        }
    }
}

/// What goes before the file, and how many statements it is: nothing that was set before matters, and whatever it may
/// wait for is bounded.
fn settings(db: &Db, down: &Migration, limits: &Limits) -> (String, usize) {
    let usual = Patience::migrating();
    let directives = directive::read(down.sql()).directives;
    let lock = limits.lock_timeout.or(directives.lock_timeout);
    let statement = limits.statement_timeout.or(directives.statement_timeout);
    let millis = |time: Duration| time.as_millis().to_string();
    let settings = [
        ("lock_timeout", Some(millis(lock.unwrap_or(usual.lock)))),
        (
            "statement_timeout",
            Some(millis(statement.unwrap_or(usual.statement))),
        ),
        ("idle_in_transaction_session_timeout", Some("0".to_owned())),
        ("row_security", Some("off".to_owned())),
        (
            "search_path",
            session::search_path(db.endpoint()).map(str::to_owned),
        ),
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

/// The migration's row goes, and the attempt is remembered.
fn closing(down: &Migration) -> String {
    let kept = if down.sql().len() <= KEPT {
        Literal(down.sql()).to_string()
    } else {
        "null".to_owned()
    };
    let Migration { version, name, .. } = down;
    format!(
        "reset session authorization;\
         delete from toysoldiers.history where version={version};\
         insert into toysoldiers.runs (version,name,action,outcome,checksum,sql,statements) \
         values ({version},{},'down','done','{}',{kept},{})",
        Literal(name),
        down.refined.checksum(),
        preflight::offsets(down).len(),
    )
}

/// Remembers an attempt that failed.
fn failed(down: &Migration, server: &DbError, limits: &Limits, took: Duration) -> String {
    let Migration { version, name, .. } = down;
    let millis = took.as_millis();
    format!(
        "insert into toysoldiers.runs \
         (version,name,action,outcome,checksum,message,sqlstate,started_at,duration_ms,actor,tool_version) \
         values ({version},{},'down','failed','{}',{},{},clock_timestamp()-interval '{millis} ms',{millis},{},{})",
        Literal(name),
        down.refined.checksum(),
        Literal(server.message()),
        Literal(server.code().code()),
        Literal(&limits.actor),
        Literal(TOOL_VERSION),
    )
}

/// Where in the file it went wrong: where the server points, else the statement that did not complete.
fn place(down: &Migration, lead: &str, before: usize, failure: &ScriptFailure) -> Option<Excerpt> {
    let server = failure.error.as_db_error()?;
    let text = down.sql();
    let (offset, length) = match server.position() {
        Some(ErrorPosition::Original(position)) => {
            let position = usize::try_from(*position).ok()?;
            let offset = sql::byte_offset(text, position.checked_sub(lead.chars().count())?);
            (offset < text.len()).then(|| (offset, sql::token_length(text, offset)))?
        }
        _ => *preflight::offsets(down).get(failure.completed.checked_sub(before)?)?,
    };
    Some(Excerpt::new(&down.path, text, offset, length))
}

fn explain(
    down: &Migration,
    story: &Story<'_>,
    place: Option<Excerpt>,
    failure: ScriptFailure,
) -> anyhow::Error {
    let server = failure.error.as_db_error();
    let is_known = server.is_some();
    let detail = server.and_then(DbError::detail).map(str::to_owned);
    let cause = match server {
        Some(server) => sqlstate::bare(server),
        None => sqlstate::explain(failure.error),
    };
    let title = story.title;
    let mut error = Error::new(
        cause.kind,
        format!("cannot undo {title}: {} failed", down.file),
    );
    if let Some(place) = place {
        error = error.at(place);
    }
    if let Some(note) = detail {
        error = error.note(note);
    }
    let has_hint = cause.has_hint();
    let names: Vec<&str> = story
        .before
        .iter()
        .map(|ran| ran.migration.as_str())
        .collect();
    let before = match names.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} was undone before"),
        many => format!("; {} were undone before", many.join(", ")),
    };
    let error = error.because(cause);
    if !is_known {
        return error
            .note(format!("whether {title} was undone is not known{before}"))
            .hint("see `toysoldiers migrate status`, then run `toysoldiers migrate down` again")
            .into();
    }
    let error = error.note(format!("{title} is applied as it was{before}"));
    if has_hint {
        return error.into();
    }
    error
        .hint("fix the file and run `toysoldiers migrate down` again")
        .into()
}
