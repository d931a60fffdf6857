//! What is told of a deploy that stopped: what was done, what was not, and how to go on.

use super::parts::{Did, Part, State};
use crate::error::{self, Error, Hint, Note, command};
use crate::plan::counted;

/// The commands whose work a deploy does.
const PARTS: [&str; 3] = ["migrate up", "policy apply", "index apply"];

/// The failure of a part, as that of the deploy.
pub(super) fn stopped(part: Part, failure: &anyhow::Error, stages: &[Did]) -> anyhow::Error {
    let mut told = error::explain(failure);
    for note in &mut told.notes {
        if *note == Note::Unchanged {
            *note = format!("of the {} nothing was changed", part.word()).into();
        }
    }
    let hints = go_on(std::mem::take(&mut told.hints));
    let mut error = Error::new(told.kind, format!("deploy stopped at the {}", part.word()));
    for note in account(stages) {
        error = error.note(note);
    }
    error.after_what(told).hints(hints).into()
}

/// What was done, part by part, and what was not.
fn account(stages: &[Did]) -> Vec<String> {
    let done = stages
        .iter()
        .filter(|did| did.state == State::Done || !did.changes.is_empty());
    let mut lines: Vec<String> = done
        .map(|did| {
            let what: Vec<&str> = did
                .changes
                .iter()
                .chain(&did.detail)
                .map(|what| &**what)
                .collect();
            format!("done: {}: {}", did.part.word(), what.join(", "))
        })
        .map(|line| line.trim_end_matches(": ").to_owned())
        .collect();
    let ahead: Vec<&str> = stages
        .iter()
        .filter(|did| did.state == State::Ahead)
        .map(|did| did.part.word())
        .collect();
    if !ahead.is_empty() {
        lines.push(format!("not begun: {}", ahead.join(", ")));
    }
    lines
}

/// What to do about the failure, and then to go on with the deploy: whatever would do a part of it by itself.
fn go_on(hints: Vec<Hint>) -> Vec<Hint> {
    let again = command("deploy");
    let mut goes_on = false;
    let mut hints: Vec<Hint> = hints
        .into_iter()
        .map(|hint| {
            let is_part = hint
                .command()
                .is_some_and(|command| PARTS.iter().any(|part| command.is(part)));
            goes_on |= is_part || hint.is_again();
            if is_part {
                hint.naming(again.clone())
            } else {
                hint
            }
        })
        .collect();
    // Two parts that go on alike are one thing to do.
    hints.dedup();
    if !goes_on {
        hints.push(again.hint("run {} again to go on"));
    }
    hints
}

/// Why a failure happened, in one line.
pub(super) fn message(failure: &anyhow::Error) -> String {
    let told = error::explain(failure);
    std::iter::once(told.message)
        .chain(told.causes)
        .collect::<Vec<_>>()
        .join(": ")
}

/// How many cells of the matrix spoke against the policies.
pub(super) fn disproved(cells: usize) -> String {
    let cells = counted(cells, "cell");
    format!("{cells} of the matrix would not be as declared, so no policy was changed")
}

/// How many cells of the matrix spoke for them.
pub(super) fn proved(cells: usize) -> String {
    format!("{} as they should be", counted(cells, "cell"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deploy_that_stopped_goes_on_with_deploy() {
        let words = |hints: Vec<Hint>| -> Vec<String> {
            go_on(hints).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            words(Vec::new()),
            ["run `toysoldiers deploy` again to go on"]
        );
        assert_eq!(
            words(vec![
                "free some space".into(),
                command("migrate status").hint("see {}")
            ]),
            [
                "free some space",
                "see `toysoldiers migrate status`",
                "run `toysoldiers deploy` again to go on"
            ]
        );
        assert_eq!(
            words(vec![
                command("migrate up --to 3").hint("fix the file and run {} again")
            ]),
            ["fix the file and run `toysoldiers deploy` again"]
        );
        assert_eq!(
            words(vec![Hint::again("run the same command again")]),
            ["run the same command again"]
        );
    }
}
