//! One file that undoes a migration, in one transaction with the rows that say so.

use std::time::Instant;

use tokio_postgres::error::{DbError, SqlState};

use super::detaching;
use super::engine::{Engine, Work};
use super::file::Migration;
use super::record::{self, AS_OURSELVES, AS_OURSELVES_COUNT, text_of};
use super::runner::Ran;
use super::story;
use super::transaction::{Among, Closing, Failure, Stage};
use crate::error::{Error, Hint, Note, Result, command};
use crate::pg::{lock, sqlstate};

/// To undo them again, after this was done.
fn again(after: &str) -> Hint {
    command("migrate down").hint(format!("{after}run {{}} again"))
}

/// What is told of an undoing.
pub(super) struct Story<'a> {
    /// The migration: `003_tips`.
    pub title: &'a str,
    /// Those that were undone before it.
    pub before: &'a [Ran],
}

/// Undoes one migration: all of it with its row, or nothing. What others are in the way of is tried again.
pub(super) async fn run(engine: &Engine<'_>, down: &Migration, story: &Story<'_>) -> Result<Ran> {
    let work = Work::of(down);
    let closing = closing(&work);
    let what = format!("undoing {}", story.title);
    let start = Instant::now();
    let mut since;
    let mut attempts = engine.attempts(&what, &work.directives);
    let outcome = loop {
        since = Instant::now();
        engine.run.progress.working(&what);
        match attempts.attempt(attempt(engine, &work, &closing)).await {
            Ok(statements) => break Ok(statements),
            Err(failure) => {
                if let Err(failure) = attempts.pause(failure).await {
                    break Err(failure);
                }
            }
        }
    };
    // What is asked next is asked as before the file.
    let reset = engine.db.reset().await;
    match outcome {
        Ok(statements) => reset.map(|()| Ran {
            migration: story.title.to_owned(),
            statements,
            duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }),
        Err(failure) => {
            if !failure.is_lost() && failure.stage != Stage::Lock {
                // The failure counts; that it could not be written down as well is no news.
                let row = record::remember_failure(down, "down", &failure, since.elapsed());
                let _ = engine.db.script(&row).await;
            }
            Err(explain(&work, story, failure))
        }
    }
}

async fn attempt(
    engine: &Engine<'_>,
    work: &Work<'_>,
    closing: &Closing,
) -> Result<usize, Failure> {
    let alone = Among {
        first: true,
        last: true,
    };
    let lead = engine.settings(work, alone.until());
    let sent = engine.send(work, alone, &lead, closing).await;
    engine.pass_on_notices(work.migration);
    if sent.is_err() {
        engine.rollback().await;
    }
    sent
}

/// The migration's row goes, and the attempt is remembered.
fn closing(work: &Work<'_>) -> Closing {
    let version = work.migration.version;
    let run = record::remember(work, "down", &text_of(work), "transaction_timestamp()");
    let attach = detaching::attach(&work.directives);
    let attached = usize::from(attach.is_some());
    let attach = attach.map_or_else(String::new, |attach| attach + ";");
    Closing {
        sql: format!(
            "{AS_OURSELVES}{attach}delete from toysoldiers.history where version={version};{run}"
        ),
        statements: AS_OURSELVES_COUNT + attached + 2,
        attach: (attached > 0).then_some(AS_OURSELVES_COUNT),
        commits: false,
    }
}

fn explain(work: &Work<'_>, told: &Story<'_>, failure: Failure) -> anyhow::Error {
    let down = work.migration;
    let is_lost = failure.is_lost();
    let Failure {
        stage,
        place,
        error,
        contention,
    } = failure;
    let is_active = error.code() == Some(&SqlState::ACTIVE_SQL_TRANSACTION);
    let server = error.as_db_error().filter(|_| stage != Stage::Lock);
    let detail = server.and_then(DbError::detail).map(str::to_owned);
    // What our own blocks are at is no place anybody wrote.
    let is_ours = matches!(stage, Stage::Detach | Stage::Attach);
    let context = server.and_then(DbError::where_).filter(|_| !is_ours);
    let context = context.map(|context| Note::Inside(context.to_owned()));
    let cause = match server {
        Some(server) => sqlstate::bare(server),
        None if stage == Stage::Lock => lock::lost(),
        None => sqlstate::explain(error),
    };
    let title = told.title;
    let message = format!("cannot undo {title}: {} failed", down.file);
    let mut error = Error::new(cause.kind, message);
    let is_too_late = is_active && story::sets_modes_at(work, place.as_ref());
    if let Some(place) = place {
        error = error.at(place);
    }
    let whole = match stage {
        Stage::Lock | Stage::File | Stage::Detach => None,
        Stage::Attach => Some("the file ran, but its policies could not be made again"),
        Stage::Record | Stage::Commit => {
            Some("the file ran, but what it leaves could not be committed with its rows")
        }
    };
    for note in detail
        .into_iter()
        .map(Note::from)
        .chain(context)
        .chain(contention.notes().map(Note::from))
        .chain(whole.map(Note::from))
    {
        error = error.note(note);
    }
    let names: Vec<&str> = told
        .before
        .iter()
        .map(|ran| ran.migration.as_str())
        .collect();
    let before = match names.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} was undone before"),
        many => format!("; {} were undone before", many.join(", ")),
    };
    let has_hint = cause.has_hint() && !is_too_late;
    let error = error.because(cause);
    if is_lost {
        return error
            .note(format!("whether {title} was undone is not known{before}"))
            .hint(command("migrate status").hint("see {}"))
            .hint(again("then "))
            .into();
    }
    let error = error.note(format!("{title} is applied as it was{before}"));
    if has_hint && matches!(stage, Stage::Lock | Stage::File | Stage::Detach) {
        return error.into();
    }
    let after = if is_too_late {
        "make it the first statement of the file, and "
    } else {
        "fix the file and "
    };
    error.hint(again(after)).into()
}
