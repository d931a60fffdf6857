//! Taking over from another tool: its files become ours, and what it applied is applied.
//!
//! Theirs stays as it is, files and table alike. Our files are written first, beside or elsewhere, and vanish again if
//! the history cannot be written.

pub mod checksum;
mod destination;
pub mod folder;
pub mod matching;
pub mod name;
pub mod script;
pub mod table;
pub mod text;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::baseline::refuse_misfits;
use super::diff::{self, Standing};
use super::file::Migration;
use super::history::History;
use super::mark::{self, Action, Change, Entry, Marking, Seen};
use crate::error::{Error, Result};
use crate::pg::Db;
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};
use destination::Mine;
use folder::Place;
use matching::Applied;
use script::{Script, Scripts};
use table::Row;

/// How many problems are named.
const NAMED: usize = 20;

/// A tool whose migrations can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The Supabase CLI.
    Supabase,
    /// sqlx-cli, and `sqlx::migrate!`.
    Sqlx,
    /// diesel_cli, and diesel_migrations.
    Diesel,
    /// dbmate.
    Dbmate,
    /// Flyway.
    Flyway,
    /// golang-migrate.
    GolangMigrate,
    /// goose.
    Goose,
    /// Prisma Migrate.
    Prisma,
    /// refinery, and `refinery::embed_migrations!`.
    Refinery,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Supabase,
        Self::Sqlx,
        Self::Diesel,
        Self::Dbmate,
        Self::Flyway,
        Self::GolangMigrate,
        Self::Goose,
        Self::Prisma,
        Self::Refinery,
    ];

    /// As it is typed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Supabase => "supabase",
            Self::Sqlx => "sqlx",
            Self::Diesel => "diesel",
            Self::Dbmate => "dbmate",
            Self::Flyway => "flyway",
            Self::GolangMigrate => "golang-migrate",
            Self::Goose => "goose",
            Self::Prisma => "prisma",
            Self::Refinery => "refinery",
        }
    }

    /// Whether the name of a file is one that nobody else would give it.
    pub fn is_known_by(self, file: &str) -> bool {
        let is_marked = match self {
            Self::Flyway | Self::Refinery => true,
            Self::Sqlx | Self::GolangMigrate => file.ends_with(".up.sql"),
            _ => false,
        };
        is_marked && name::read(self, file).is_some()
    }

    /// What to do with a file that was written for it, as an imperative sentence.
    pub fn take_over(self) -> String {
        let word = self.word();
        format!("take the files over with `migrate baseline --from {word} --migrations FOLDER`")
    }

    /// The table in which it remembers what it applied.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Supabase => "supabase_migrations.schema_migrations",
            Self::Sqlx => "public._sqlx_migrations",
            Self::Diesel => "public.__diesel_schema_migrations",
            Self::Dbmate | Self::GolangMigrate => "public.schema_migrations",
            Self::Flyway => "public.flyway_schema_history",
            Self::Goose => "public.goose_db_version",
            Self::Prisma => "public._prisma_migrations",
            Self::Refinery => "public.refinery_schema_history",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supabase => "Supabase",
            Self::Diesel => "Diesel",
            Self::Flyway => "Flyway",
            Self::Prisma => "Prisma",
            other => other.word(),
        })
    }
}

impl FromStr for Tool {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|tool| tool.word() == word)
            .ok_or_else(|| format!("{word} is no tool that is known"))
    }
}

/// What taking over needs to be done.
#[derive(Debug)]
pub struct Import {
    tool: Tool,
    into: Place,
    /// Names and texts of the files to be written.
    files: Vec<(String, String)>,
    changes: Vec<Change>,
    imported: Vec<Taken>,
    seen: Seen,
    /// What the tool's table held.
    rows: Vec<Row>,
    stamp: Option<String>,
}

/// What was taken over.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// Whose migrations they were.
    pub tool: &'static str,
    /// Where ours are.
    pub folder: String,
    /// One entry a migration, in order.
    pub migrations: Vec<Taken>,
    /// How many files were written.
    pub written: usize,
    /// How many the history says of now that they ran.
    pub marked: usize,
    /// The environment the database was stamped with; nothing if it had its stamp, or gets none.
    pub stamped: Option<String>,
    /// Whether our own schema was brought up to date.
    pub upgraded: bool,
}

/// A migration of another tool that is ours now.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    /// Their file.
    pub theirs: String,
    /// Ours.
    pub ours: String,
    /// Whether the tool applied it.
    pub applied: bool,
}

/// What taking over the tool's files in `theirs` as files in `into` would do. Everything that does not fit is one error.
pub async fn plan(
    db: &Db,
    tool: Tool,
    theirs: &Place,
    into: Place,
    stamp: Option<String>,
) -> Result<Plan<Import>> {
    let scripts = script::gather(tool, &theirs.read(tool)?);
    let rows = table::read(db, tool).await?;
    let matched = matching::compare(tool, &scripts, &rows);
    let Scripts {
        all, mut problems, ..
    } = scripts;
    problems.extend(matched.problems);
    let mine = Mine::look(&into)?;
    let mut files = Vec::new();
    for script in &all {
        let up = (script.ours.file.clone(), script.ours.sql().to_owned());
        for (name, text) in [Some(up), script.down.clone()].into_iter().flatten() {
            match mine.missing(&name, &text, script.ours.version) {
                Ok(true) => files.push((name, text)),
                Ok(false) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    let history = History::read(db).await?;
    if problems.is_empty() {
        problems.extend(mine.strangers(&all, tool));
    }
    refuse(tool, theirs, problems)?;
    let mut ours: Vec<Migration> = all.iter().map(|script| script.ours.clone()).collect();
    let last = ours.last().map(|file| file.version);
    ours.extend(
        mine.all
            .into_iter()
            .filter(|file| Some(file.version) > last),
    );
    let entries = diff::compare(&ours, &history.rows);
    refuse_misfits(&entries, last, &theirs.shown)?;

    let mut steps = Vec::new();
    let mut changes = Vec::new();
    let mut imported = Vec::new();
    for script in &all {
        let applied = matched.applied.get(&script.key);
        let is_new = entries.iter().any(|entry| {
            entry.version == script.ours.version && entry.standing == Standing::Pending
        });
        if let Some(applied) = applied.filter(|_| is_new) {
            let message = format!("taken over from {tool}, which applied it{}", told(applied));
            changes.push(Change::to(
                &script.ours,
                Entry::Add,
                Action::Baseline,
                message,
            ));
        }
        let of_this = files.iter().filter(|(name, _)| {
            *name == script.ours.file || script.down.as_ref().is_some_and(|(down, _)| down == name)
        });
        let written: Vec<&str> = of_this.map(|(name, _)| name.as_str()).collect();
        if !written.is_empty() || (applied.is_some() && is_new) {
            steps.push(step(script, applied, &written, &into));
        }
        imported.push(Taken {
            theirs: script.path.clone(),
            ours: script.ours.file.clone(),
            applied: applied.is_some(),
        });
    }
    let stamp = stamp.filter(|_| !changes.is_empty());
    let mut before: Vec<Step> = Vec::new();
    if !changes.is_empty() {
        before.extend(mark::upgrade(&history));
        before.extend(stamp.as_deref().map(mark::claim));
    }
    Ok(Plan {
        title: format!("take over {} of {tool}", counted(all.len(), "migration")),
        risk: Risk::Moderate,
        steps: before.into_iter().chain(steps).collect(),
        work: Import {
            tool,
            into,
            files,
            changes,
            imported,
            seen: Seen::new(&history, &[]),
            rows,
            stamp,
        },
    })
}

/// When and by whom, as far as it is known.
fn told(applied: &Applied) -> String {
    let at = applied.at.map(|at| format!(" at {at}"));
    let by = applied.by.as_ref().map(|by| format!(" as {by}"));
    at.into_iter().chain(by).collect()
}

fn step(script: &Script, applied: Option<&Applied>, written: &[&str], into: &Place) -> Step {
    let mut details = vec![format!("of {}", script.path)];
    details.push(match applied {
        Some(applied) => format!("applied there{}", told(applied)),
        None => "pending".to_owned(),
    });
    details.extend(script.note.clone());
    let (effect, action, object) = match written {
        [] => (
            Effect::Changes,
            "mark",
            format!("{} as applied", script.ours.title()),
        ),
        [first, ..] => (Effect::Adds, "write", into.show(first)),
    };
    let others = written
        .iter()
        .skip(1)
        .map(|name| format!("and {}", into.show(name)));
    Step::new(effect, action, object)
        .detail(details.join("; "))
        .lines(others.collect())
}

fn refuse(tool: Tool, theirs: &Place, problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(NAMED);
    let mut error = Error::refused(format!(
        "what {tool} has in {} cannot be taken over as it is",
        theirs.shown
    ));
    for problem in problems.into_iter().take(NAMED) {
        error = error.note(problem);
    }
    if more > 0 {
        error = error.note(format!("and {more} more"));
    }
    Err(error
        .unchanged()
        .hint("put these in order, then run the command again")
        .into())
}

/// Takes over: first the files, then the history.
pub async fn import(
    db: &Db,
    work: Import,
    _consent: Consent,
    marking: &Marking<'_>,
) -> Result<Imported> {
    let Import {
        tool,
        into,
        files,
        changes,
        imported,
        seen,
        rows,
        stamp,
    } = work;
    if !changes.is_empty() && table::read(db, tool).await? != rows {
        return Err(
            Error::refused(format!("{tool} was at work since the plan was shown"))
                .unchanged()
                .hint("run the command again")
                .into(),
        );
    }
    let written = into.write(&files)?;
    let made = mark::make(db, &seen, &changes, stamp, marking).await?;
    written.keep();
    Ok(Imported {
        tool: tool.word(),
        folder: into.shown,
        migrations: imported,
        written: files.len(),
        marked: changes.len(),
        stamped: made.stamped,
        upgraded: made.upgraded,
    })
}
