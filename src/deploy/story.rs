//! What is told of a deploy that stopped: what was done, what was not, and how to go on.

use super::parts::{Did, Part, State};
use crate::error::{self, Error};
use crate::plan::counted;

/// What features say of themselves when they change nothing at all.
const NOTHING: &str = "nothing was changed";

/// The commands whose work a deploy does.
const COMMANDS: [&str; 3] = [
    "`toysoldiers migrate up`",
    "`toysoldiers policy apply`",
    "`toysoldiers index apply`",
];

/// How a backup is told where to go, by itself and here.
const FLAG: &str = "with `--to`";
const SETTING: &str = "as `destination` in `[env.NAME.backup]`";

/// The failure of a part, as that of the deploy.
pub(super) fn stopped(part: Part, failure: &anyhow::Error, stages: &[Did]) -> anyhow::Error {
    let mut told = error::explain(failure);
    for note in &mut told.notes {
        if note == NOTHING {
            *note = format!("of the {} {NOTHING}", part.word());
        }
    }
    let hint = go_on(told.hint.take());
    let mut error = Error::new(told.kind, format!("deploy stopped at the {}", part.word()));
    for note in account(stages) {
        error = error.note(note);
    }
    error.after_what(told).hint(hint).into()
}

/// What was done, part by part, and what was not.
pub fn account(stages: &[Did]) -> Vec<String> {
    let done = stages
        .iter()
        .filter(|did| did.state == State::Done || !did.changes.is_empty());
    let mut lines: Vec<String> = done
        .map(|did| {
            let what = match did.changes.as_slice() {
                [] => did.detail.clone().unwrap_or_default(),
                changes => changes.join(", "),
            };
            format!("done: {}: {what}", did.part.word())
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

/// What to do about the failure, and then to go on with the deploy.
fn go_on(hint: Option<String>) -> String {
    let again = "`toysoldiers deploy`";
    let Some(mut hint) = hint else {
        return format!("mend it, then run {again} again to go on");
    };
    for command in COMMANDS {
        hint = hint.replace(command, again);
    }
    hint = hint.replace(FLAG, SETTING);
    if hint.contains(again) || hint.contains("run the same command again") {
        return hint;
    }
    format!("{hint}, then run {again} again to go on")
}

/// Why a failure happened, in one line.
pub fn message(failure: &anyhow::Error) -> String {
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
