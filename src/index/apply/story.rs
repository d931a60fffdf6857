//! What is said when not everything could be done: what was, what was not, and how to go on.

use super::Change;
use crate::error::{self, Error, Hint};
use crate::index::difference::{Action, Difference};

/// What was done, in a word.
pub(super) fn done(action: Action) -> &'static str {
    match action {
        Action::Drop => "dropped",
        Action::Rename => "renamed",
        Action::Follow => "followed",
        Action::Rebuild => "rebuilt",
        Action::Replace => "replaced",
        Action::Create => "created",
    }
}

/// What was done before an error stays.
pub(super) fn told(error: Error, changes: &[Change]) -> Error {
    if changes.is_empty() {
        return error.note("no other index was changed");
    }
    let names: Vec<String> = changes
        .iter()
        .map(|change| format!("{} {}", done(change.action), change.name))
        .collect();
    error.note(format!("done, and stays: {}", names.join(", ")))
}

/// The first failure is the end: what was done, what was not, and how to go on.
pub(super) fn halted(
    failure: &anyhow::Error,
    done: &[Change],
    rest: &[Difference],
) -> anyhow::Error {
    let explanation = error::explain(failure);
    let Some((first, later)) = rest.split_first() else {
        return Error::failed("indexes could not be applied")
            .after(failure)
            .into();
    };
    let what = format!(
        "cannot {} the index {} on {}",
        first.action.words(),
        first.name,
        first.table
    );
    let mut error = told(Error::new(explanation.kind, what).after(failure), done);
    if let Some(wanted) = &first.wanted {
        error = error.at(wanted.place.clone());
    }
    if !later.is_empty() {
        let names: Vec<String> = later
            .iter()
            .map(|difference| format!("{} {}", difference.action.words(), difference.name))
            .collect();
        error = error.note(format!("not begun: {}", names.join(", ")));
    }
    error
        .hints(explanation.hints)
        .hint(Hint::again(
            "run the same command again: it goes on with what is left",
        ))
        .into()
}

/// Others were always faster.
pub(super) fn unsettled(differences: &[Difference], done: &[Change]) -> anyhow::Error {
    let error = Error::refused("the indexes of this database keep changing");
    let error = differences.iter().fold(error, |error, difference| {
        error.note(format!(
            "still to do: {} {} on {}",
            difference.action.words(),
            difference.name,
            difference.table
        ))
    });
    told(error, done)
        .hint("find out who else changes indexes")
        .hint(Hint::again("run the same command again"))
        .into()
}
