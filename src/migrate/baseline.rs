//! Taking over a database that was made without us: what its migrations would do is there already.
//!
//! The history says of them that they ran, and nothing runs. Whether the database is what they would have made of it
//! is a question of its own, whose answer is shown before anyone agrees.

use serde::Serialize;

use super::diff::{self, Entry, Standing};
use super::file::Migration;
use super::history::{History, title};
use super::mark::{self, Action, Change, Marking, Seen};
use super::named::Named;
use super::preflight;
use super::source::Files;
use crate::error::{Error, Result, command};
use crate::pg::Db;
use crate::pg::catalog::diff::Comparison;
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};

/// What `migrate baseline` needs to do its work.
#[derive(Debug)]
pub struct Adoption {
    changes: Vec<Change>,
    seen: Seen,
    source: String,
    stamp: Option<String>,
    pending: usize,
}

/// What was taken over.
#[derive(Debug, Serialize)]
pub struct Adopted {
    /// Where the migrations come from.
    pub source: String,
    /// The migrations the history says of now that they ran.
    pub adopted: Vec<String>,
    /// How many are left for `migrate up`.
    pub pending: usize,
    /// The environment the database was stamped with; nothing if it had its stamp, or gets none.
    pub stamped: Option<String>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
}

/// What taking over the migrations up to `to`, or all, would do. `differences` is how the database differs from
/// what these migrations make; nothing if nobody compared. `stamp` is the environment that claims a
/// database which says of none that it belongs to it.
pub async fn plan(
    db: &Db,
    files: &Files,
    to: Option<&Named>,
    stamp: Option<String>,
    differences: Option<&Comparison>,
) -> Result<Plan<Adoption>> {
    let history = History::read(db).await?;
    let to = to.map(|to| to.find(files)).transpose()?;
    let entries = diff::compare(&files.all, &history.rows);
    refuse_misfits(&entries, to, &files.source)?;
    let is_chosen = |entry: &&Entry| {
        entry.standing == Standing::Pending && to.is_none_or(|to| entry.version <= to)
    };
    let chosen: Vec<&Entry> = entries.iter().filter(is_chosen).collect();
    if let Some(entry) = chosen.iter().find(|entry| {
        history
            .begun
            .iter()
            .any(|step| step.version == entry.version)
    }) {
        return Err(
            Error::refused(format!("{} stands half-done", entry.title()))
                .unchanged()
                .hint(
                    command(format!("migrate repair {} --done", entry.title()))
                        .hint("say how it stands with {} or `--undone`"),
                )
                .into(),
        );
    }
    let mut steps = Vec::new();
    let mut risk = Risk::Moderate;
    if !chosen.is_empty() {
        steps.extend(mark::upgrade(&history));
        steps.extend(stamp.as_deref().map(mark::claim));
        if let Some(differences) = differences {
            if !differences.differences.is_empty() {
                risk = Risk::Severe;
            }
            steps.push(compared(differences));
        }
    }
    let pending = entries
        .iter()
        .filter(|entry| entry.standing == Standing::Pending)
        .count();
    let mut changes = Vec::new();
    for entry in &chosen {
        let file = files.all.iter().find(|file| file.version == entry.version);
        if let Some(file) = file {
            preflight::check_whole(file)?;
            steps.push(
                Step::new(
                    Effect::Changes,
                    "mark",
                    format!("{} as applied", file.title()),
                )
                .detail("without running it"),
            );
            let message = "marked as applied without being run";
            changes.push(Change::to(
                file,
                mark::Entry::Add,
                Action::Baseline,
                message,
            ));
        }
    }
    Ok(Plan {
        title: format!("take over {}", counted(chosen.len(), "migration")),
        risk,
        steps,
        work: Adoption {
            pending: pending - changes.len(),
            stamp: stamp.filter(|_| !changes.is_empty()),
            changes,
            seen: Seen::new(&history, &[]),
            source: files.source.clone(),
        },
    })
}

fn compared(comparison: &Comparison) -> Step {
    let step = Step::new(
        Effect::Verifies,
        "compare",
        "the database with what these migrations make",
    );
    match comparison.differences.len() {
        0 => step.detail("it is the same"),
        count => step
            .detail(format!(
                "it differs in {}, - as they make it, + as it is",
                counted(count, "place")
            ))
            .lines(comparison.lines()),
    }
}

/// The migrations up to `to`, or all: what the database should be once they are marked.
pub fn wanted<'a>(files: &'a Files, to: Option<&Named>) -> Result<Vec<&'a Migration>> {
    let to = to.map(|to| to.find(files)).transpose()?;
    let all = files.all.iter();
    Ok(all
        .filter(|file| to.is_none_or(|to| file.version <= to))
        .collect())
}

/// Refuses a history that does not fit the files: what comes in is added behind what is there, and nowhere else.
pub(super) fn refuse_misfits(entries: &[Entry], to: Option<i64>, source: &str) -> Result<()> {
    let is_in_the_way = |entry: &&Entry| match entry.standing {
        Standing::Applied | Standing::Pending => false,
        Standing::Late => to.is_none_or(|to| entry.version <= to),
        _ => true,
    };
    let misfits: Vec<&Entry> = entries.iter().filter(is_in_the_way).collect();
    if misfits.is_empty() {
        return Ok(());
    }
    let mut error = Error::refused(format!(
        "this database has a history already, and it does not fit {source}"
    ));
    for entry in misfits.iter().take(5) {
        error = error.note(format!(
            "{} is {}",
            title(entry.version, &entry.name),
            entry.standing.word()
        ));
    }
    if misfits.len() > 5 {
        error = error.note(format!("and {} more", misfits.len() - 5));
    }
    let is_late = misfits.iter().all(|entry| entry.standing == Standing::Late);
    Err(error
        .unchanged()
        .hints(if is_late {
            vec![
                "give the late ones numbers after the last one that is applied: only behind it can any be added"
                    .into(),
            ]
        } else {
            vec![
                command("migrate status").hint("see {}"),
                command("migrate repair").hint("make them fit with {}"),
            ]
        })
        .into())
}

/// Takes over, one runner at a time.
pub async fn baseline(
    db: &Db,
    work: Adoption,
    _consent: Consent,
    marking: &Marking<'_>,
) -> Result<Adopted> {
    let Adoption {
        changes,
        seen,
        source,
        stamp,
        pending,
    } = work;
    let made = mark::make(db, &seen, &changes, stamp, marking).await?;
    Ok(Adopted {
        source,
        adopted: changes
            .iter()
            .map(|change| title(change.version, &change.name))
            .collect(),
        pending,
        stamped: made.stamped,
        upgraded: made.upgraded,
    })
}
