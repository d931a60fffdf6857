//! A fact worth knowing about a failure.

use std::fmt;

use serde::{Serialize, Serializer};

/// A fact worth knowing about a failure, such as what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Whatever failed has changed nothing at all.
    Unchanged,
    /// Inside what on the server it failed: a function, a line of rows.
    Inside(String),
    /// Anything else.
    Text(String),
}

impl Note {
    /// The same with its text changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Unchanged => Self::Unchanged,
            Self::Inside(place) => Self::Inside(change(place)),
            Self::Text(text) => Self::Text(change(text)),
        }
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("nothing was changed"),
            Self::Inside(place) => write!(f, "in {place}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
