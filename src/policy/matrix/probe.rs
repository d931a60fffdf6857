//! What is asked, and what everybody should come to.

mod read;

use std::fmt;

use serde::{Serialize, Serializer};

use super::row::Pair;
use super::{Relation, Word};
use crate::error::Excerpt;

pub(super) use read::read;

/// What somebody comes to who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is done.
    Allowed,
    /// There is nothing to be seen, changed or deleted.
    Hidden,
    /// A policy refuses the row as it would be.
    Denied,
    /// A privilege is missing.
    NoGrant,
    /// Something else is wrong with it.
    Error,
}

impl Outcome {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::Allowed,
        Self::Hidden,
        Self::Denied,
        Self::NoGrant,
        Self::Error,
    ];

    /// The key of the file.
    const fn key(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Hidden => "hidden",
            Self::Denied => "denied",
            Self::NoGrant => "no_grant",
            Self::Error => "error",
        }
    }
}

/// What an actor should come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What.
    pub outcome: Outcome,
    /// The server's code, if it matters which error it is.
    pub sqlstate: Option<String>,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.outcome {
            Outcome::NoGrant => "no grant",
            other => other.key(),
        })?;
        match &self.sqlstate {
            Some(code) => write!(f, " {code}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Expected {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which rows are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A row the matrix makes, by its place among them.
    Row(usize),
    /// Whatever has these values.
    Condition(Vec<Pair>),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// To see a row, and these columns of it.
    Select(Target, Vec<Word>),
    /// To add one.
    Insert(Vec<Pair>),
    /// To change one.
    Update(usize, Vec<Pair>),
    /// To delete one.
    Delete(usize),
    /// To empty the table.
    Truncate,
    /// To call a function, as SQL.
    Call(Word),
}

impl Action {
    /// The command, as a privilege calls it.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Select(..) => "select",
            Self::Insert(_) => "insert",
            Self::Update(..) => "update",
            Self::Delete(_) => "delete",
            Self::Truncate => "truncate",
            Self::Call(_) => "call",
        }
    }
}

/// A question, put to the database by everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Where it stands.
    pub place: Excerpt,
    /// What it is about; nothing for a call.
    pub table: Option<(Relation, Excerpt)>,
    /// What is asked for.
    pub action: Action,
    /// Whether a row is changed or deleted without reading anything of it, as a statement without a condition does:
    /// then policies for select have no say, and others stand alone.
    pub blind: bool,
    /// What tells it from others of its table and command.
    pub label: String,
    /// What each actor should come to, in their order.
    pub expected: Vec<Expected>,
}

/// The function a call is about: the first one with a schema, for it may stand in others' parentheses; else the first.
fn called(call: &str) -> String {
    let is_name =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '"' | '$');
    let names: Vec<&str> = call
        .split('(')
        .filter_map(|part| part.trim_end().rsplit(|letter| !is_name(letter)).next())
        .filter(|name| !name.is_empty())
        .collect();
    let qualified = names.iter().find(|name| name.contains('.'));
    qualified
        .or(names.first())
        .copied()
        .unwrap_or_default()
        .to_owned()
}

impl Probe {
    /// What it is about, for people.
    pub fn subject(&self) -> String {
        match (&self.table, &self.action) {
            (Some((table, _)), _) => table.title(),
            (None, Action::Call(call)) => called(&call.text),
            (None, _) => String::new(),
        }
    }

    /// The row it is about, if it is one the matrix makes.
    pub fn row(&self) -> Option<usize> {
        match &self.action {
            Action::Select(Target::Row(number), _)
            | Action::Update(number, _)
            | Action::Delete(number) => Some(*number),
            Action::Select(Target::Condition(_), _)
            | Action::Insert(_)
            | Action::Truncate
            | Action::Call(_) => None,
        }
    }

    /// `content, update, give away`
    pub fn title(&self) -> String {
        let (subject, command) = (self.subject(), self.action.command());
        if self.label.is_empty() {
            format!("{subject}, {command}")
        } else {
            format!("{subject}, {command}, {}", self.label)
        }
    }
}
