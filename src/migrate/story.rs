//! What is told of a migration that failed: what, where, why, what was kept, and what to do.

use tokio_postgres::error::{DbError, SqlState};

use super::engine::Work;
use super::file::Migration;
use super::preflight::committed;
use super::script::sets_modes;
use super::step::Progressed;
use super::transaction::{Failure, Stage};
use crate::error::{Error, Excerpt, Hint, Note, command, quoted};
use crate::pg::relation::Named;
use crate::pg::{lock, sqlstate};

const FIX: &str = "fix the file and ";

/// To run the migrations again, after this was done.
fn again(after: &str) -> Hint {
    command("migrate up").hint(format!("{after}run {{}} again"))
}

/// What stays of a migration that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing: it was a transaction.
    Nothing,
    /// Nothing of so many, which shared a transaction.
    NothingOfMany(usize),
    /// Some of its statements: it asked for no transaction.
    Some { done: usize, total: usize },
}

fn last_applied(last: Option<&str>) -> String {
    match last {
        Some(last) => format!("{last} is the last applied migration"),
        None => "no migration is applied".to_owned(),
    }
}

/// The connection was lost, and nobody knows yet what the server did.
pub(super) fn lost(migration: &Migration, failure: Failure, last: Option<&str>) -> anyhow::Error {
    let cause = sqlstate::explain(failure.error);
    Error::new(cause.kind, format!("migration {} failed", migration.file))
        .because(cause)
        .note(format!(
            "whether {} was kept is not known; before it, {}",
            migration.title(),
            last_applied(last)
        ))
        .hint(command("migrate status").hint("see {}"))
        .hint(again("then "))
        .into()
}

/// The connection was lost, and what the server did was found out: nothing, or so many statements.
pub(super) fn found_out(
    migration: &Migration,
    progressed: Option<Progressed>,
    halted: &anyhow::Error,
    last: Option<&str>,
) -> anyhow::Error {
    let title = migration.title();
    let error = Error::new(
        crate::error::Kind::Unreachable,
        format!("the connection was lost while {} ran", migration.file),
    );
    let cause = halted.chain().nth(1).map(ToString::to_string);
    let error = match cause {
        Some(cause) => error.because(Error::failed(cause)),
        None => error,
    };
    let last = last_applied(last);
    let Some(Progressed { done, begun, total }) = progressed else {
        let error = error.note(format!("nothing of {title} was kept; {last}"));
        return error.hint(again("")).into();
    };
    let next = done + 1;
    let error = error.note(if done == 0 {
        format!("no statement of {title} is known to be done; {last}")
    } else {
        format!("{done} of {total} statements of {title} are done and stay; {last}")
    });
    let error = if begun {
        error.note(format!(
            "how far statement {next} came is not known; the next `migrate up` finds out, and goes on"
        ))
    } else {
        error.note(format!(
            "the next `migrate up` goes on with statement {next}"
        ))
    };
    error.hint(again("")).into()
}

/// The server said no.
pub(super) fn failed(
    work: &Work<'_>,
    failure: Failure,
    kept: Kept,
    last: Option<&str>,
) -> anyhow::Error {
    let migration = work.migration;
    let Failure {
        stage,
        place,
        error,
        contention,
    } = failure;
    let server = error.as_db_error().filter(|_| stage != Stage::Lock);
    let is_outside = !work.directives.transaction;
    let wants_outside = error.code().is_some_and(|code| {
        [
            SqlState::ACTIVE_SQL_TRANSACTION,
            SqlState::INVALID_TRANSACTION_TERMINATION,
        ]
        .contains(code)
    });
    let uncommitted = uncommitted(error.code(), migration, kept);
    let suggestion = server.and_then(DbError::hint).map(str::to_owned);
    let detail = server.and_then(DbError::detail).map(str::to_owned);
    // What our own blocks are at is no place anybody wrote.
    let is_ours = matches!(stage, Stage::Detach | Stage::Attach);
    let context = server.and_then(DbError::where_).filter(|_| !is_ours);
    let context = context.map(str::to_owned);
    let policies = policies_in_the_way(server);
    let cause = match server {
        Some(db) => sqlstate::bare(db),
        None if stage == Stage::Lock => lock::lost(),
        None => sqlstate::explain(error),
    };
    let mut error = Error::new(cause.kind, format!("migration {} failed", migration.file));
    let is_too_late = wants_outside && sets_modes_at(work, place.as_ref());
    if let Some(place) = place {
        error = error.at(place);
    }
    for note in detail
        .into_iter()
        .map(Note::from)
        .chain(context.map(Note::Inside))
        .chain(contention.notes().map(Note::from))
    {
        error = error.note(note);
    }
    let hints = match (stage, suggestion) {
        (Stage::Lock, _) => Vec::new(),
        (Stage::Record, _) => {
            error = error.note("the file ran, but the rows that remember it could not be written");
            vec![again(
                "undo in the file what it changes for the session, and ",
            )]
        }
        (Stage::Commit, _) => {
            error = error.note("the file ran, but what it leaves cannot be committed");
            vec![again(FIX)]
        }
        (Stage::Attach, suggestion) => {
            error = error.note("the file ran, but its policies could not be made again");
            match suggestion {
                Some(suggestion) => vec![suggestion.into(), again("then ")],
                None => policies_apart(&work.directives.detached),
            }
        }
        (Stage::Detach, _) if cause.has_hint() => Vec::new(),
        (Stage::Detach, _) => vec![again("fix the directive and ")],
        (Stage::File, _) if !policies.is_empty() => policies,
        (Stage::File, suggestion) if !uncommitted.is_empty() => {
            let suggestion = suggestion.map(|text| text.trim_end_matches('.').into());
            suggestion.into_iter().chain(uncommitted).collect()
        }
        // What the server advises stands on a line of its own.
        (Stage::File, Some(suggestion)) => {
            vec![suggestion.trim_end_matches('.').into(), again(FIX)]
        }
        (Stage::File, None) if is_too_late => {
            vec![again("make it the first statement of the file, and ")]
        }
        // It has no transaction around it already: what it does is no business of a function, say.
        (Stage::File, None) if is_outside && wants_outside => {
            vec![again(FIX)]
        }
        // Not the file's fault: what the server's code means is the better advice.
        (Stage::File, None) if cause.has_hint() => Vec::new(),
        (Stage::File, None) => vec![again(FIX)],
    };
    let title = migration.title();
    let last = last_applied(last);
    let error = match kept {
        Kept::Nothing => error.note(format!("nothing of {title} was kept; {last}")),
        Kept::NothingOfMany(count) => error.note(format!(
            "nothing of the {count} migrations in this transaction was kept; {last}"
        )),
        Kept::Some { done: 0, .. } => {
            error.note(format!("no statement of {title} is done; {last}"))
        }
        Kept::Some { done, total } => error
            .note(format!(
                "{done} of {total} statements of {title} are done and stay; {last}"
            ))
            .note(format!(
                "the next `migrate up` goes on with statement {}",
                done + 1
            )),
    };
    error.because(cause).hints(hints).into()
}

/// What to do about something that wants what was done before to be committed; nothing if that is not it.
fn uncommitted(code: Option<&SqlState>, migration: &Migration, kept: Kept) -> Vec<Hint> {
    let is_shared = matches!(kept, Kept::NothingOfMany(_));
    match code {
        Some(&SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE) if committed::adds_value(migration.sql()) => {
            vec![
                "use the value in the next migration".into(),
                "or begin the file with `-- toysoldiers: no-transaction`".into(),
            ]
        }
        // What waits for the end of the transaction is in the way of a change of its table.
        Some(&SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE | &SqlState::OBJECT_IN_USE) if is_shared => {
            vec![
                command("migrate up")
                    .hint("leave out `--one-transaction`, so that each migration is committed: {}"),
            ]
        }
        _ => Vec::new(),
    }
}

/// Whether the statement on this line says what kind of transaction it is in.
pub(super) fn sets_modes_at(work: &Work<'_>, place: Option<&Excerpt>) -> bool {
    let text = &work.script.text;
    let line = |offset: usize| text[..offset].matches('\n').count() + 1;
    place.is_some_and(|place| {
        let mut statements = work.script.all();
        statements.any(|statement| line(statement.start) == place.line && sets_modes(&statement))
    })
}

/// What to do about a column that policies use. The server would have them dropped with it, by CASCADE, which opens or
/// closes a table without a word.
fn policies_in_the_way(server: Option<&DbError>) -> Vec<Hint> {
    let Some(server) = server else {
        return Vec::new();
    };
    let is_policy = |detail: &str| {
        let mut lines = detail.lines();
        lines.any(|line| line.starts_with("policy ") && line.contains(" depends on "))
    };
    if !server.detail().is_some_and(is_policy) {
        return Vec::new();
    }
    match server.code().code() {
        // The type of a column.
        "0A000" => vec![again(
            "begin the file with `-- toysoldiers: detach-policies TABLE`, which makes the policies again after it, and ",
        )],
        // The column itself, or a relation.
        "2BP01" => vec![
            command("policy apply")
                .hint("declare in database/policies how it has to be without it and run {}"),
            again("then "),
        ],
        _ => Vec::new(),
    }
}

/// What to do where policies cannot be made again as they were.
fn policies_apart(tables: &[Named]) -> Vec<Hint> {
    let mut hints = vec!["leave out the directive".into()];
    hints.extend(tables.iter().map(|table| {
        command(format!("policy detach {}", quoted(&table.to_string())))
            .hint("take its policies off with {}")
    }));
    hints.push(command("migrate up").hint("run {}"));
    hints.push(
        command("policy apply")
            .hint("write the policy in database/policies as it has to be now, and run {}"),
    );
    hints
}
