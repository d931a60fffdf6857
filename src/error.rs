//! The one error type.
//!
//! An [`Error`] says what failed; its [`Kind`] picks the exit code; a hint says what to type next. On its way
//! up it travels inside [`anyhow::Error`], gathering `cannot ...` contexts. [`explain`] flattens the chain
//! once, in `main`, and nothing else decides what a failure looks like.
//!
//! Messages are lower case, without a full stop and without a remedy: the remedy is the hint.

mod excerpt;
mod hint;
mod mask;
mod note;

use std::error::Error as StdError;
use std::fmt;
use std::io;

use serde::Serialize;

pub use excerpt::{Excerpt, Lines};
pub use hint::{Hint, Invocation, command, quoted, repeat_address};
pub use mask::{Mask, masked, masked_file};
pub use note::Note;

/// What every fallible function returns.
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// Why a command failed; each kind has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The work was tried and failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// The configuration or the environment it names is wrong.
    Configuration,
    /// The server cannot be reached or does not let us in.
    Unreachable,
    /// A guard, a permission or a lock stands in the way.
    Refused,
    /// A defect of this program.
    Bug,
    /// Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 4,
            Self::Unreachable => 5,
            Self::Refused => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// Done, and there is something to look at: pending work under `--check`, drift.
    Finding,
    /// Somebody answered no.
    Declined,
}

impl Exit {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Finding => 3,
            Self::Declined => 7,
        }
    }
}

/// A failure: what, why, where, and what to do next.
#[derive(Debug)]
pub struct Error {
    /// Picks the exit code.
    pub kind: Kind,
    message: String,
    excerpt: Option<Excerpt>,
    notes: Vec<Note>,
    hints: Vec<Hint>,
    sqlstate: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind; the message is lower case and has no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            excerpt: None,
            notes: Vec::new(),
            hints: Vec::new(),
            sqlstate: None,
            source: None,
        }
    }

    /// The work was tried and failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The configuration is wrong.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// A guard stands in the way.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// One thing to do next, in the imperative.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// One thing to do before all others.
    #[must_use]
    pub fn first_hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.insert(0, hint.into());
        self
    }

    /// Several, the most likely one first.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = Hint>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Whether it says what to do next.
    pub fn has_hint(&self) -> bool {
        !self.hints.is_empty()
    }

    /// A fact worth knowing, such as what was kept.
    #[must_use]
    pub fn note(mut self, note: impl Into<Note>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Nothing at all was changed.
    #[must_use]
    pub fn unchanged(self) -> Self {
        self.note(Note::Unchanged)
    }

    /// Where in a file it went wrong.
    #[must_use]
    pub fn at(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// The server's code for it, five characters.
    #[must_use]
    pub fn sqlstate(mut self, code: impl Into<String>) -> Self {
        self.sqlstate = Some(code.into());
        self
    }

    /// Whether the server's code for it is this one.
    pub fn is(&self, code: &str) -> bool {
        self.sqlstate.as_deref() == Some(code)
    }

    /// What caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl Error {
    /// What a failure told so far caused it: its messages become the causes, its place and its notes ours.
    #[must_use]
    pub fn after(self, failure: &anyhow::Error) -> Self {
        self.after_what(explain(failure))
    }

    /// The same of a failure that was explained.
    #[must_use]
    pub fn after_what(mut self, failure: Explanation) -> Self {
        let Explanation {
            message,
            causes,
            excerpt,
            notes,
            sqlstate,
            ..
        } = failure;
        let chain = std::iter::once(message).chain(causes).rev();
        let cause = chain.fold(None, |inner: Option<Self>, message| {
            let cause = Self::failed(message);
            Some(match inner {
                Some(inner) => cause.because(inner),
                None => cause,
            })
        });
        self.source = cause.map(|cause| Box::new(cause) as _);
        self.excerpt = self.excerpt.or(excerpt);
        self.notes.extend(notes);
        self.sqlstate = self.sqlstate.or(sqlstate);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A failure laid flat for showing: the same for people and for `-o json`.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Picks the exit code.
    pub kind: Kind,
    /// What failed.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// Where in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Facts worth knowing.
    pub notes: Vec<Note>,
    /// What to do next, one thing each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
    /// The server's code, if it was the server that complained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
}

impl Explanation {
    /// The first thing to do next, in words.
    pub fn hint(&self) -> Option<String> {
        self.hints.first().map(Hint::to_string)
    }

    /// A command line that makes no sense.
    pub fn usage(message: String, notes: Vec<String>) -> Self {
        Self {
            kind: Kind::Usage,
            message,
            causes: Vec::new(),
            excerpt: None,
            notes: notes.into_iter().map(Note::from).collect(),
            hints: Vec::new(),
            sqlstate: None,
        }
    }
}

/// Walks the chain of a failure. The first place, hints and kind found from the outside win; notes add up.
pub fn explain(error: &anyhow::Error) -> Explanation {
    let mut messages = Vec::<String>::new();
    let mut kind = None;
    let mut excerpt = None;
    let mut notes = Vec::new();
    let mut hints = Vec::new();
    let mut sqlstate = None;
    for link in error.chain() {
        let message = link
            .downcast_ref::<io::Error>()
            .map_or_else(|| link.to_string(), io_reason);
        if messages.last() != Some(&message) {
            messages.push(message);
        }
        if let Some(ours) = link.downcast_ref::<Error>() {
            kind = kind.or(Some(ours.kind));
            excerpt = excerpt.or_else(|| ours.excerpt.clone());
            notes.extend(ours.notes.iter().cloned());
            if hints.is_empty() {
                hints.clone_from(&ours.hints);
            }
            sqlstate = sqlstate.or_else(|| ours.sqlstate.clone());
        }
    }
    let message = messages.remove(0);
    Explanation {
        kind: kind.unwrap_or(Kind::Failed),
        message,
        causes: messages,
        excerpt,
        notes,
        hints,
        sqlstate,
    }
}

/// An I/O error in plain words, without the number of the operating system.
pub fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// The server's code somewhere in the chain of a failure.
pub fn sqlstate(error: &anyhow::Error) -> Option<&str> {
    error
        .chain()
        .filter_map(|link| link.downcast_ref::<Error>())
        .find_map(|ours| ours.sqlstate.as_deref())
}

/// The candidate most like `word`, if one is like enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_after_another_keeps_its_story() {
        let inner = Error::failed("inner")
            .note("kept")
            .at(Excerpt::new("f", "x", 0, 1))
            .because(Error::failed("root"));
        let failure = anyhow::Error::new(inner).context("cannot do it");
        let explanation = explain(
            &Error::new(Kind::Interrupted, "interrupted")
                .after(&failure)
                .into(),
        );
        assert_eq!(explanation.kind, Kind::Interrupted);
        assert_eq!(explanation.causes, ["cannot do it", "inner", "root"]);
        assert_eq!(explanation.notes, [Note::from("kept")]);
        assert!(explanation.excerpt.is_some());
    }

    #[test]
    fn the_outermost_kind_wins_and_notes_add_up() {
        let inner = Error::new(Kind::Unreachable, "inner")
            .note("one")
            .hint("do that");
        let error = anyhow::Error::new(Error::failed("outer").note("two").because(inner))
            .context("cannot do it");
        let explanation = explain(&error);
        assert_eq!(explanation.kind, Kind::Failed);
        assert_eq!(explanation.message, "cannot do it");
        assert_eq!(explanation.causes, ["outer", "inner"]);
        assert_eq!(explanation.notes, [Note::from("two"), Note::from("one")]);
        assert_eq!(explanation.hint().as_deref(), Some("do that"));
    }
}
