//! What asking came to.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Expected, Outcome};

/// How a request says who asks. Whoever has no identity sends neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// By the claims of its token, in `request.jwt.claims`, as Supabase does.
    Claims,
    /// By `app.user_id`.
    Setting,
}

impl Identity {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Setting => "setting",
        }
    }
}

/// What an actor came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub outcome: Outcome,
    /// The server's code, if it is an error of another kind.
    pub sqlstate: Option<String>,
    /// What the server said, if it refused.
    pub message: Option<String>,
}

impl Found {
    /// Whether it is what should be.
    pub fn is(&self, expected: &Expected) -> bool {
        self.outcome == expected.outcome
            && (expected.sqlstate.is_none() || expected.sqlstate == self.sqlstate)
    }

    /// Whether somebody comes to the same.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.outcome, &self.sqlstate) == (other.outcome, &other.sqlstate)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            outcome, sqlstate, ..
        } = self;
        Expected {
            outcome: *outcome,
            sqlstate: sqlstate.clone(),
        }
        .fmt(f)
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A cell of the matrix.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which probe, by its place in the matrix.
    pub probe: usize,
    /// Which actor, by their place in the matrix.
    pub actor: usize,
    /// What they should come to.
    pub expected: Expected,
    /// What they came to.
    pub found: Found,
}

impl Asked {
    /// Whether it is as it should be.
    pub fn is_right(&self) -> bool {
        self.found.is(&self.expected)
    }
}

/// What asking everything came to.
#[derive(Debug, Clone)]
pub struct Proof {
    /// How it was said who asks.
    pub identity: Identity,
    /// Every cell: probe by probe, and in each actor by actor.
    pub cells: Vec<Asked>,
}

impl Proof {
    /// The cells that are not as they should be.
    pub fn wrong(&self) -> impl Iterator<Item = &Asked> {
        self.cells.iter().filter(|cell| !cell.is_right())
    }

    /// Whether everything is as it should be.
    pub fn is_right(&self) -> bool {
        self.wrong().next().is_none()
    }
}
