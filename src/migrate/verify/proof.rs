//! Up, down, up: whether the file that undoes a migration does, and whether the migration can follow it.

use serde::Serialize;

use super::replay;
use crate::error::{Note, Result, explain};
use crate::migrate::file::Migration;
use crate::migrate::preflight;
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
    /// The number of the migration.
    #[serde(skip)]
    pub version: i64,
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
    /// After it the migration cannot be applied again, or makes something else than before.
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

    fn failed(down: &Migration, flaw: Wrong, error: &anyhow::Error) -> Self {
        let told = explain(error);
        let mut reasons = told.causes;
        reasons.extend(
            told.notes
                .into_iter()
                .filter(|note| matches!(note, Note::Inside(_)))
                .map(|note| note.to_string()),
        );
        let mut reason = if reasons.is_empty() {
            told.message
        } else {
            reasons.join("; ")
        };
        // A place in another file is no place in this one.
        let line = match told.excerpt {
            Some(place) if place.file == down.path => Some(place.line),
            Some(place) => {
                reason = format!("{}:{}: {reason}", place.file, place.line);
                None
            }
            None => None,
        };
        Self {
            reason: Some(reason),
            line,
            ..Self::new(down, flaw)
        }
    }

    fn new(down: &Migration, flaw: Wrong) -> Self {
        Self {
            file: down.file.clone(),
            flaw,
            reason: None,
            line: None,
            differences: Vec::new(),
            version: down.version,
        }
    }
}

/// A migration, the file that undoes it, and what there was before and after it.
#[derive(Debug)]
pub struct Undoable<'a> {
    /// The migration.
    pub up: &'a Migration,
    /// The file that undoes it.
    pub down: &'a Migration,
    /// Without it.
    pub before: Catalog,
    /// With it.
    pub after: Catalog,
}

/// What keeps a file from being run at all, as `down` would say.
pub fn unfit(down: &Migration) -> Option<Flaw> {
    preflight::check_undoing(down)
        .err()
        .map(|error| Flaw::failed(down, Wrong::Fails, &error))
}

/// Undoes a migration, applies it again, and undoes it once more; whether all is now as it was before the migration.
/// Whatever goes wrong is an answer.
pub async fn prove(db: &Db, undoable: &Undoable<'_>) -> Result<(Vec<Flaw>, bool)> {
    let Undoable {
        up,
        down,
        before,
        after,
    } = undoable;
    let mut flaws = Vec::new();
    if let Err(error) = replay::run(db, down, None).await {
        flaws.push(Flaw::failed(down, Wrong::Fails, &lasting(db, error)?));
        return Ok((flaws, false));
    }
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
    match replay::run(db, up, None).await {
        Ok(_) => {
            tell(
                Wrong::NotRepeated,
                differences(after, &Catalog::read(db).await?),
            );
            // It did so before.
            if let Err(error) = replay::run(db, down, None).await {
                lasting(db, error)?;
            }
        }
        Err(error) => {
            let error = lasting(db, error)?;
            flaws.push(Flaw::failed(down, Wrong::NotRepeated, &error));
        }
    }
    let is_restored = differences(before, &Catalog::read(db).await?).is_empty();
    Ok((flaws, is_restored))
}

/// The error again, unless it is one of the connection.
fn lasting(db: &Db, error: anyhow::Error) -> Result<anyhow::Error> {
    if db.is_lost() { Err(error) } else { Ok(error) }
}
