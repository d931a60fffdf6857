//! Making history and files fit again, where `migrate up` refuses to go on.
//!
//! Nothing here runs a migration or takes one back: what changes is what the database remembers. Every change is
//! shown before, and leaves a row among the attempts.

mod verdict;

use serde::Serialize;

use super::comparison;
use super::diff::{self, Standing};
use super::file::{Migration, checksum};
use super::history::{History, Record, title};
use super::mark::{self, Action, Change, Entry, Marking, Seen};
use super::named::Named;
use super::source::Files;
use crate::bookkeeping;
use crate::error::{Error, Result, command};
use crate::pg::{Db, Query};
use crate::plan::{Consent, Effect, Plan, Risk, Step};
pub use verdict::{plan_done, plan_undone};

crate::row! {
    /// The text of a migration as the history knows it.
    pub struct Kept {
        /// Number of the migration.
        pub version: i64,
        /// Its text.
        pub text: String,
    }
}

static KEPT: Query<Kept> = crate::query!("migrate/kept");

/// What a repair needs to be done.
#[derive(Debug)]
pub struct Repair {
    changes: Vec<Change>,
    repaired: Vec<Mended>,
    /// What was there when the plan was made.
    seen: Seen,
    remaining: Vec<String>,
}

/// What was repaired.
#[derive(Debug, Serialize)]
pub struct Repaired {
    /// The migrations whose history was changed.
    pub repaired: Vec<Mended>,
    /// What still keeps `migrate up` from its work.
    pub remaining: Vec<String>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
}

/// A migration whose history was changed.
#[derive(Debug, Clone, Serialize)]
pub struct Mended {
    /// `005_creators`.
    pub migration: String,
    /// What the history says of it now: `accepted`, `applied`, `not begun` or `not applied`.
    pub verdict: &'static str,
    /// What is behind it.
    pub detail: String,
}

/// What accepting the files as they are would do: those that were edited or renamed after they ran, or the one that
/// is named.
pub async fn plan(db: &Db, files: &Files, only: Option<&Named>) -> Result<Plan<Repair>> {
    let history = History::read(db).await?;
    let entries = diff::against(&files.all, &history);
    if let Some(named) = only
        && !entries
            .iter()
            .any(|entry| named.is(entry.version, &entry.name))
    {
        return Err(unknown(named, &history, files));
    }
    let is_meant =
        |entry: &&diff::Entry| only.is_none_or(|named| named.is(entry.version, &entry.name));
    let mut misfits = Vec::new();
    let mut remaining = Vec::new();
    for entry in entries.iter().filter(is_meant) {
        match entry.standing {
            Standing::Edited | Standing::Renamed => misfits.push(entry.version),
            Standing::Deleted => remaining.push(format!(
                "{0} was applied, and its file is gone; forget it with {1}",
                entry.title(),
                command(format!("migrate repair {} --undone", entry.title()))
            )),
            Standing::ChangedHalfway | Standing::GoneHalfway => remaining.push(format!(
                "{} stopped halfway, and its file {}; say how it stands with {} or `--undone`",
                entry.title(),
                if entry.standing == Standing::GoneHalfway {
                    "is gone"
                } else {
                    "was changed"
                },
                command(format!("migrate repair {} --done", entry.title()))
            )),
            Standing::Late => remaining.push(format!(
                "{} came late; give it a number after the last one",
                entry.title()
            )),
            _ => {}
        }
    }
    let numbers = serde_json::json!(misfits);
    let kept = if misfits.is_empty() {
        None
    } else {
        bookkeeping::absent_is_none(db.all(&KEPT, &[&numbers]).await)?
    };
    let kept = kept.unwrap_or_default();
    let mut accepted = Vec::new();
    for version in misfits {
        let file = files.all.iter().find(|file| file.version == version);
        let record = history.rows.iter().find(|row| row.version == version);
        if let (Some(file), Some(record)) = (file, record) {
            let kept = kept.iter().find(|kept| kept.version == version);
            accepted.push(Accepted::of(file, record, kept)?);
        }
    }
    let fits = entries
        .iter()
        .any(|entry| matches!(entry.standing, Standing::Applied | Standing::Edited))
        || accepted.iter().any(|accepted| !accepted.is_another);
    if accepted.len() >= 2 && !fits {
        return Err(Error::refused(format!(
            "this database has none of these migrations ({})",
            files.source
        ))
        .unchanged()
        .hint("name the folder of its migrations with `--migrations`, or the right database with `--env`")
        .into());
    }
    Ok(draft(accepted, &history, remaining))
}

fn draft(accepted: Vec<Accepted>, history: &History, remaining: Vec<String>) -> Plan<Repair> {
    let mut steps = Vec::new();
    if !accepted.is_empty() {
        steps.extend(mark::upgrade(history));
    }
    let title = match &accepted[..] {
        [one] => format!("accept {} as it is now", one.mended.migration),
        many => format!("accept {} migrations as they are now", many.len()),
    };
    let mut risk = Risk::Moderate;
    let (mut changes, mut repaired) = (Vec::new(), Vec::new());
    for Accepted {
        step,
        change,
        mended,
        is_another,
    } in accepted
    {
        if is_another {
            risk = Risk::Severe;
        }
        steps.push(step);
        changes.push(change);
        repaired.push(mended);
    }
    Plan {
        title,
        risk,
        steps,
        work: Repair {
            changes,
            repaired,
            seen: Seen::new(history, &[]),
            remaining,
        },
    }
}

/// A file that is accepted as it is now.
struct Accepted {
    step: Step,
    change: Change,
    mended: Mended,
    /// Whether both its name and its text are others than those that ran.
    is_another: bool,
}

impl Accepted {
    fn of(file: &Migration, record: &Record, kept: Option<&Kept>) -> Result<Self> {
        let was = title(record.version, &record.name);
        let is_renamed = record.name != file.name;
        // refinery's checksum covers the name too.
        let under_old_name = checksum(file.version, &record.name, file.sql())?;
        let is_edited = under_old_name.to_string() != record.checksum;
        let mut details = Vec::new();
        let mut lines = Vec::new();
        if is_renamed {
            details.push(format!("renamed: it ran as {was}"));
        }
        match (is_edited, kept) {
            (false, _) => details.push("its text is the same".to_owned()),
            (true, Some(kept)) => {
                let found = comparison::compare(&kept.text, file.sql());
                details.push(format!("edited: {}", found.summary()));
                lines = found.lines;
            }
            (true, None) => details.push(
                "edited: the text that ran was not kept, only its checksum, so what was changed cannot be shown"
                    .to_owned(),
            ),
        }
        let detail = details.join("; ");
        Ok(Self {
            step: Step::new(Effect::Changes, "accept", &file.path)
                .detail(&detail)
                .lines(lines),
            change: Change::to(
                file,
                Entry::Alter,
                Action::Repair,
                format!("accepted as it is now; {detail}"),
            ),
            mended: Mended {
                migration: file.title().to_owned(),
                verdict: "accepted",
                detail,
            },
            is_another: is_renamed && is_edited,
        })
    }
}

/// There is no such migration, neither here nor there.
fn unknown(named: &Named, history: &History, files: &Files) -> anyhow::Error {
    let of_files = files
        .all
        .iter()
        .map(|file| (file.version, file.name.as_str()));
    let of_rows = history
        .rows
        .iter()
        .map(|row| (row.version, row.name.as_str()));
    let place = format!("in {} or in the history", files.source);
    named.unknown(of_files.chain(of_rows), &place).into()
}

/// Changes what the database remembers, one runner at a time.
pub async fn repair(
    db: &Db,
    work: Repair,
    _consent: Consent,
    marking: &Marking<'_>,
) -> Result<Repaired> {
    let Repair {
        changes,
        repaired,
        seen,
        remaining,
    } = work;
    let made = mark::make(db, &seen, &changes, None, marking).await?;
    Ok(Repaired {
        repaired,
        remaining,
        upgraded: made.upgraded,
    })
}
