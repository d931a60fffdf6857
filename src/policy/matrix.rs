//! The behaviour matrix: what may be done to which row, by whom, asked of the database itself.
//!
//! `matrix.toml` stands among the files of policies. It says who asks (actors), makes the rows they ask for, and
//! tells of every probe what each actor comes to: allowed, hidden, denied, without a grant, or an error. Asking
//! happens inside a transaction that somebody else has opened, and leaves nothing in it: neither rows nor settings.
//! What rolling back cannot undo is that sequences have counted on. Deliberately absent: constraints and triggers
//! that wait for the commit, which never comes; and a TRUNCATE that is really done, because row-level security has no
//! say in it: having the privilege is all there is to it.
//!
//! ```toml
//! fixtures_as = "service_role"            # who makes the rows; the connected role, if nobody is named
//!
//! [actors]                                # `user` is the `sub` of request.jwt.claims, or app.user_id
//! anon = { role = "anon" }
//! fan = { role = "authenticated", user = "@users.fan.id" }
//!
//! [rows.users]                            # made in the order of the file; [rows."schema.table"] elsewhere
//! fan = { id = "...", email = "fan@matrix.invalid", password_hash = "x" }
//!
//! [[probe]]
//! table = "users"
//! case = "change the address"             # what tells it from other probes, if the row is not enough
//! update = "fan"                          # a row, found by its primary key
//! set = { email = "new@matrix.invalid" }
//! blind = true                            # without reading anything of the row; also of a delete
//! allowed = ["fan"]                       # allowed, hidden, denied, no_grant, error; everybody once
//! no_grant = ["anon"]
//!
//! [[probe]]
//! table = "users"
//! select = { email = "fan@matrix.invalid" } # or a row; a condition is for what no row is made in, such as views
//! columns = ["email"]                     # what is read besides what finds it
//! allowed = ["*"]                         # everybody who is not named otherwise
//! ```
//!
//! `insert = { ... }`, `delete = "row"`, `truncate = true` and `function = "app.f(1)"` are asked likewise; a call is
//! allowed if a row comes of it that is not all nulls. `sqlstate` narrows `error`. In values `@table.row.column` is
//! what another row has, `@me` whoever asks, and `@@` an `@`. Every value goes to the server in quotes, lists as
//! arrays, so that it is read as what its column is.

mod ask;
mod catalog;
pub mod coverage;
mod document;
mod file;
pub mod mutant;
mod probe;
mod proof;
mod row;
mod script;
pub mod tested;
mod value;

use std::collections::BTreeSet;

use crate::error::{Error, Excerpt, Result};
use crate::pg::session::SearchPath;
use crate::source::{Source, text};

pub use crate::pg::relation::Relation;
pub use ask::{prove, test};
pub use probe::{Action, Expected, Outcome, Probe, Target};
pub use proof::{Asked, Found, Identity, Proof};
pub use row::{Pair, Row};
pub use value::Value;

/// What the file is called.
pub const NAME: &str = "matrix.toml";

/// A word of the file, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where.
    pub place: Excerpt,
}

/// Somebody who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What it is called in the file.
    pub name: String,
    /// The role it asks as.
    pub role: Word,
    /// Who it is; nothing for somebody without an identity.
    pub user: Option<String>,
}

/// A matrix that makes sense by itself; whether the database has what it speaks of is seen when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The file, as a person would name it.
    pub path: String,
    /// Where the names in what it asks are looked for that do not say it themselves.
    pub search_path: SearchPath,
    /// Who asks, in the order of the file.
    pub actors: Vec<Actor>,
    /// What is made before anybody asks, in the order of the file.
    pub rows: Vec<Row>,
    /// What is asked, in the order of the file.
    pub probes: Vec<Probe>,
    /// The role that makes the rows, if it is not the connected one.
    pub fixtures_as: Option<Word>,
}

impl Matrix {
    /// Reads the matrix among the files of policies; nothing if there is none.
    pub fn load(source: &Source) -> Result<Option<Self>> {
        let entries = source.entries()?;
        let Some(entry) = entries.into_iter().find(|entry| entry.name == NAME) else {
            return Ok(None);
        };
        let text = text::decode(entry.bytes()?, &entry.path)
            .map_err(|illegible| illegible.about(&entry.path))?;
        let matrix = Self::parse(&entry.path, &text)?;
        Ok(Some(Self {
            search_path: source.search_path(),
            ..matrix
        }))
    }

    /// The same, where there has to be one.
    pub fn require(source: &Source) -> Result<Self> {
        Self::load(source)?.ok_or_else(|| {
            Error::configuration(format!("there is no {NAME} in {}", source.describe()))
                .hint(format!(
                    "write {NAME} there, or name another folder with `--policies`"
                ))
                .into()
        })
    }

    /// What a text says; `path` is what it is called.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        file::parse(path, text)
    }

    /// The schemas of what it speaks of.
    pub fn schemas(&self) -> BTreeSet<&str> {
        let rows = self.rows.iter().map(|row| &row.table);
        let probes = self.probes.iter().filter_map(|probe| probe.table.as_ref());
        rows.chain(probes.map(|(table, _)| table))
            .map(|table| table.schema.as_str())
            .collect()
    }

    /// How many cells it has.
    pub fn cells(&self) -> usize {
        self.actors.len() * self.probes.len()
    }
}
