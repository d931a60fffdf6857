//! Up, down, up: whether the file that undoes a migration does, and whether the migration can follow it.

use serde::Serialize;

use super::replay::{self, Watch};
use crate::error::{Note, Result, explain};
use crate::migrate::file::Migration;
use crate::pg::Db;
use crate::pg::catalog::Catalog;
use crate::pg::catalog::diff::{Difference, differences};

/// What is wrong with a file that undoes a migration.
#[derive(Debug, Serialize)]
pub struct Flaw {
    /// The file.
    pub file: String,
    /// What it is.
    pub flaw: Wrong,
    /// Why, or what is to be known about it.
    pub reason: Option<String>,
    /// Line of the file, if it is about one.
    pub line: Option<usize>,
    /// In what the database differs from what it was: declared is what was there before.
    pub differences: Vec<Difference>,
}

/// The ways in which such a file is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// There is no migration it would undo.
    Stray,
    /// It cannot be run after its migration.
    Fails,
    /// It leaves something, takes something else, or changes it.
    NotRestored,
    /// After it the migration makes something else than before.
    NotRepeated,
}

impl Wrong {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stray => "stray",
            Self::Fails => "fails",
            Self::NotRestored => "does not restore",
            Self::NotRepeated => "cannot be repeated",
        }
    }
}

impl Flaw {
    /// A file whose migration is not there.
    pub fn stray(down: &Migration) -> Self {
        let title = down.title().trim_end_matches(".down");
        Self {
            reason: Some(format!("there is no migration {title}")),
            ..Self::new(down, Wrong::Stray)
        }
    }

    fn new(down: &Migration, flaw: Wrong) -> Self {
        Self {
            file: down.file.clone(),
            flaw,
            reason: None,
            line: None,
            differences: Vec::new(),
        }
    }
}

/// Undoes a migration that was applied just now, and applies it again; `before` is what there was without it. What is
/// wrong with the file that undoes it is an answer; an error is what keeps the migrations to come from being applied.
pub async fn prove(
    db: &Db,
    up: &Migration,
    down: &Migration,
    before: &Catalog,
) -> Result<Vec<Flaw>> {
    let after = Catalog::read(db).await?;
    if let Err(error) = replay::run(db, down, Watch::Nothing).await {
        let told = explain(&error);
        let mut reasons = told.causes;
        reasons.extend(
            told.notes
                .into_iter()
                .filter(|note| matches!(note, Note::Inside(_)))
                .map(|note| note.to_string()),
        );
        let fails = Flaw {
            reason: Some(if reasons.is_empty() {
                told.message
            } else {
                reasons.join("; ")
            }),
            line: told.excerpt.map(|place| place.line),
            ..Flaw::new(down, Wrong::Fails)
        };
        // What it did before it failed is undone; without a transaction it is not.
        let differences = differences(&after, &Catalog::read(db).await?);
        return if differences.is_empty() {
            Ok(vec![fails])
        } else {
            Err(error)
        };
    }
    let mut flaws = Vec::new();
    let mut tell = |flaw, differences: Vec<Difference>| {
        if !differences.is_empty() {
            flaws.push(Flaw {
                differences,
                ..Flaw::new(down, flaw)
            });
        }
    };
    tell(
        Wrong::NotRestored,
        differences(before, &Catalog::read(db).await?),
    );
    replay::run(db, up, Watch::Nothing).await.map_err(|error| {
        error.context(format!(
            "cannot apply {} again after {}",
            up.title(),
            down.file
        ))
    })?;
    tell(
        Wrong::NotRepeated,
        differences(&after, &Catalog::read(db).await?),
    );
    Ok(flaws)
}
