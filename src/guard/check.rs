//! What there is to know about an environment before one relies on it, and what of it is wrong.
//!
//! It only looks, and at everything: what would keep other commands out is a line here. A line is wrong if commands
//! are refused for it or their results are not to be trusted; what only limits what can be done here is a note.

mod clock;
mod identity;
pub mod replica;
mod role;
mod server;

use serde::Serialize;
use serde_json::Value;

use super::Identity;
use crate::error::Result;
use crate::pg::tools::Programs;
use crate::pg::{Db, Patience};
use crate::settings::Settings;

/// How one line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// To be mended.
    Wrong,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Wrong => "wrong",
        }
    }
}

/// One fact.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// What was looked at; a name programs rely on.
    pub check: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found, for programs; null if there is nothing.
    pub value: Value,
    /// What was found, for people.
    pub found: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Line {
    /// A fact that is as it should be.
    pub fn fine(check: &'static str, value: impl Into<Value>, found: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Fine,
            value: value.into(),
            found: found.into(),
            advice: None,
        }
    }

    /// The same fact, worth knowing.
    #[must_use]
    pub fn note(self, advice: impl Into<String>) -> Self {
        Self {
            state: State::Note,
            advice: Some(advice.into()),
            ..self
        }
    }

    /// The same fact, to be mended.
    #[must_use]
    pub fn wrong(self, advice: impl Into<String>) -> Self {
        Self {
            state: State::Wrong,
            advice: Some(advice.into()),
            ..self
        }
    }
}

/// All of them.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The environment.
    pub environment: String,
    /// How many are wrong.
    pub wrong: usize,
    /// A line a fact.
    pub checks: Vec<Line>,
}

impl Checked {
    /// The lines about one environment.
    pub fn new(environment: &str, checks: Vec<Line>) -> Self {
        let wrong = |line: &&Line| line.state == State::Wrong;
        Self {
            environment: environment.to_owned(),
            wrong: checks.iter().filter(wrong).count(),
            checks,
        }
    }
}

/// Looks at the server that answers, and at its database.
pub async fn look(
    db: &Db,
    settings: &Settings,
    identity: &Identity,
    patience: Patience,
    programs: &Programs,
) -> Result<Vec<Line>> {
    let environment = &settings.environment;
    let clock = clock::read(db).await?;
    let facts = server::read(db).await?;
    let role = role::read(db).await?;
    let bookkeeping = identity::bookkeeping(db, &facts).await?;
    let mut lines = vec![server::place(db), clock.round_trip(), facts.version()];
    lines.push(server::tls(db, environment));
    lines.push(server::pooler(db));
    lines.push(server::writes(db, environment));
    lines.push(clock.skew());
    lines.push(facts.timeout(patience));
    let pg_dump = programs.for_server("pg_dump", db.server_major());
    lines.extend(role.lines(bookkeeping, pg_dump));
    lines.push(bookkeeping.line());
    lines.push(identity::stamp(environment, identity, bookkeeping));
    lines.push(identity::fingerprint(environment, identity));
    Ok(lines)
}
