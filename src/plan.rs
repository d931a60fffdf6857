//! One shape for every change: plan, show, consent, apply, report.
//!
//! A feature makes a [`Plan`], which is data; `ui` shows it and, if the person behind the terminal agrees,
//! makes a [`Consent`]; the feature's function that does the work takes that `Consent`. A command that
//! forgets to ask does not compile.

mod words;

use serde::{Deserialize, Serialize};

pub use words::{counted, counted_as, hex, spent};

/// How much a change can hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Changes nothing in any database: writes a file. Never asks.
    Harmless,
    /// Only adds. Asks nothing, or y/N in a protected environment.
    Mild,
    /// Lets somebody do what was kept from them. Asks nothing, or for the name of a protected environment.
    Loosening,
    /// Small and can be undone. Asks y/N.
    Moderate,
    /// Destroys. The name of the environment must be typed.
    Severe,
}

/// What a step does to what is there. Whatever decides how safe a step is looks at this, never at its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Something new comes to be.
    Adds,
    /// Something stays, and is otherwise than before.
    Changes,
    /// Something is gone afterwards.
    Removes,
    /// Something is gone afterwards, and another one is in its place.
    Replaces,
    /// Somebody may do what was kept from them.
    GrantsAccess,
    /// Nothing: it is looked at, proved, or left alone.
    Verifies,
}

impl Effect {
    /// Whether anything is otherwise afterwards.
    pub fn is_change(self) -> bool {
        self != Self::Verifies
    }

    /// Whether what is there now is gone afterwards.
    pub fn takes_away(self) -> bool {
        matches!(self, Self::Removes | Self::Replaces)
    }
}

/// One thing a change will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does to what is there.
    pub effect: Effect,
    /// The verb: `apply`, `create`, `drop`.
    pub action: String,
    /// What it is done to.
    pub object: String,
    /// What else there is to say, or nothing.
    pub detail: String,
    /// What has to be seen below it, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The statements that do it, where they are known beforehand; programs get them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<String>,
}

impl Step {
    /// A step without a detail.
    pub fn new(effect: Effect, action: impl Into<String>, object: impl Into<String>) -> Self {
        Self {
            effect,
            action: action.into(),
            object: object.into(),
            detail: String::new(),
            lines: Vec::new(),
            sql: Vec::new(),
        }
    }

    /// What else there is to say.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The statements that do it.
    #[must_use]
    pub fn sql(mut self, sql: Vec<String>) -> Self {
        self.sql = sql;
        self
    }

    /// What has to be seen below it, line by line.
    #[must_use]
    pub fn lines(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        self
    }
}

/// A change that has been thought through but not begun.
#[derive(Debug, Serialize)]
pub struct Plan<W> {
    /// The whole of it in a few words, in the imperative: `apply 14 migrations`.
    pub title: String,
    /// How much it can hurt in an unprotected environment.
    pub risk: Risk,
    /// What will be done, in order. Empty: there is nothing to do.
    pub steps: Vec<Step>,
    /// What the feature needs to do it.
    #[serde(skip)]
    pub work: W,
}

/// Somebody agreed to a plan. Only `ui` makes one (`tests/layers.rs` holds it to that).
#[derive(Debug)]
#[must_use]
pub struct Consent(());

impl Consent {
    pub(crate) fn given() -> Self {
        Self(())
    }

    /// Somebody agreed to a plan of several parts: this is the consent to one of them.
    pub fn to_a_part(&self) -> Self {
        Self(())
    }
}

/// Something that happened while the work went on.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    /// What: `applied`.
    pub event: &'static str,
    /// To what: `005_creators`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub object: &'a str,
    /// In numbers: `("duration_ms", 12)`.
    #[serde(flatten, serialize_with = "as_map")]
    pub numbers: &'a [(&'static str, u64)],
    /// In words, if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    /// The line for people; empty if it is not worth one.
    #[serde(skip)]
    pub line: String,
}

fn as_map<S: serde::Serializer>(
    numbers: &&[(&'static str, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(numbers.iter().copied())
}

/// Where long work says how far it is.
pub trait Progress: Sync {
    /// Something worth a line has happened.
    fn say(&self, line: &str);
    /// Something that needs attention has happened, and the work goes on.
    fn warn(&self, line: &str);
    /// What is being done now, until the next word of this trait; seen only if it takes long.
    fn working(&self, what: &str);
    /// How far it has come.
    fn counting(&self, what: &str);
    /// How much of `what` is done, of 1, and what goes on right now.
    fn advancing(&self, what: &str, share: f64, aside: &str);
    /// Something happened that is part of the result: programs that read a stream are told, and so are people if
    /// there is a line for them.
    fn happened(&self, event: &Event<'_>);
}
