//! What a deploy consists of, and how each part of it ended.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A part of a deploy, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A backup, before anything is changed.
    Backup,
    /// Migrations.
    Migrations,
    /// Policies and rights.
    Policies,
    /// Indexes.
    Indexes,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Backup,
        Self::Migrations,
        Self::Policies,
        Self::Indexes,
    ];

    /// As people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Migrations => "migrations",
            Self::Policies => "policies",
            Self::Indexes => "indexes",
        }
    }
}

/// How a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There was something to do, and it is done.
    Done,
    /// There was nothing to do.
    Nothing,
    /// It failed.
    Failed,
    /// It is to be done, or would have been if nothing had failed before.
    Ahead,
}

impl State {
    /// In a few words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Nothing => "nothing to do",
            Self::Failed => "failed",
            Self::Ahead => "not begun",
        }
    }
}

/// A part and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Did {
    /// Which.
    pub part: Part,
    /// How it ended.
    pub state: State,
    /// What was done, in order, a few words each.
    pub changes: Vec<String>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl Did {
    /// A part that has not been begun.
    pub fn ahead(part: Part) -> Self {
        Self {
            part,
            state: State::Ahead,
            changes: Vec::new(),
            detail: None,
            duration_ms: 0,
        }
    }
}

/// Parts as the database remembers them.
pub fn as_document(stages: &[Did]) -> Result<serde_json::Value> {
    serde_json::to_value(stages).map_err(|error| {
        Error::failed("what was done cannot be written down")
            .because(error)
            .into()
    })
}
