//! Which of squawk's rules look, and why the others do not.

mod advice;
mod chosen;
mod code;
mod lock;
mod never;

use squawk_linter::Rule as Theirs;

use crate::migrate::lint::rule::{Habit, Level, Rule};

/// What we make of one of squawk's rules.
pub(super) struct Row {
    /// Theirs.
    pub theirs: Theirs,
    /// Ours.
    pub verdict: Verdict,
}

pub(super) enum Verdict {
    /// It looks.
    Looks(Rule, About),
    /// It never does, for this reason.
    Never(&'static str),
}

/// What a rule is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Whatever a file makes or changes.
    Anything,
    /// What was there before: nobody waits for a table, or reads a column, that the same file has just made.
    WhatIsThere,
}

use About::{Anything, WhatIsThere};
use Level::{Note, Warning};

const fn row(
    theirs: Theirs,
    name: &'static str,
    level: Level,
    about: About,
    why: &'static str,
    rewrite: &'static str,
) -> Row {
    Row {
        theirs,
        verdict: Verdict::Looks(Rule::new(level, name, why, rewrite), about),
    }
}

/// A rule for schemas that other teams read as well: many migrations do on purpose what it finds.
const fn chosen(
    theirs: Theirs,
    name: &'static str,
    why: &'static str,
    rewrite: &'static str,
) -> Row {
    let mut rule = Rule::new(Warning, name, why, rewrite);
    rule.habit = Habit::WhenDenied;
    Row {
        theirs,
        verdict: Verdict::Looks(rule, WhatIsThere),
    }
}

const fn never(theirs: Theirs, reason: &'static str) -> Row {
    Row {
        theirs,
        verdict: Verdict::Never(reason),
    }
}

/// Every rule squawk has, once.
pub(super) fn all() -> impl Iterator<Item = &'static Row> {
    [
        lock::TABLE,
        code::TABLE,
        advice::TABLE,
        never::TABLE,
        chosen::TABLE,
    ]
    .into_iter()
    .flatten()
}
