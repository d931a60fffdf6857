//! Undoing migrations, the last one first.
//!
//! What undoes a migration is a file beside it, `NNN_description.down.sql`, and somebody's word that it does. It runs
//! in one transaction with the removal of the migration's row, so the history never says of half a migration that it
//! is applied. Before the first one runs, every file that is needed is there and can be run.

use std::time::Instant;

use serde::Serialize;

use super::Ran;
use super::comparison::{beginning, shortened};
use super::directive;
use super::engine::Engine;
use super::file::Migration;
use super::history::{History, Record, title};
use super::mark::{self, Seen};
use super::named::Named;
use super::preflight;
use super::script::Script;
use super::source::Files;
use super::undoing::{self, Story};
use crate::bookkeeping;
use crate::error::{Error, Result, command};
use crate::pg::{Db, RunContext, lock};
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};

/// How many statements of a file are shown.
const SHOWN: usize = 12;

/// How far to go back.
#[derive(Debug, Clone)]
pub enum Reach {
    /// So many migrations.
    Steps(usize),
    /// To this one, which stays; 0 is none.
    To(Named),
}

/// What `migrate down` needs to do its work.
#[derive(Debug)]
pub struct Undoing {
    /// The files to be run, in this order, and the migrations they undo.
    undos: Vec<(Migration, String)>,
    /// What is applied when all of it is done.
    current: Option<String>,
    seen: Seen,
    source: String,
}

/// What `migrate down` did.
#[derive(Debug, Serialize)]
pub struct Undone {
    /// Where the files come from.
    pub source: String,
    /// The migrations undone by this run, in the order in which it was done.
    pub undone: Vec<Ran>,
    /// The last migration that is still applied.
    pub current: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What undoing migrations would do. Whatever stands in the way of one of them is an error before any is undone.
pub async fn plan(db: &Db, files: &Files, reach: &Reach) -> Result<Plan<Undoing>> {
    let history = History::read(db).await?;
    let chosen = chosen(&history, files, reach)?;
    if let (Some(step), false) = (history.begun.first(), chosen.is_empty()) {
        let named = files.all.iter().find(|file| file.version == step.version);
        let name = named.map_or_else(
            || format!("{:03}", step.version),
            |file| file.title().to_owned(),
        );
        return Err(Error::refused(format!("{name} stands half-done"))
            .unchanged()
            .hint(command("migrate up").hint("finish it with {}"))
            .hint(
                command(format!("migrate repair {name} --done"))
                    .hint("or say how it stands: {} or `--undone`"),
            )
            .into());
    }
    let mut missing = Vec::new();
    let mut undos = Vec::new();
    for record in &chosen {
        match Pair::of(record, files) {
            Pair {
                down: Some(down),
                up,
            } => undos.push((down, up, *record)),
            pair => missing.push((pair, *record)),
        }
    }
    if !missing.is_empty() {
        return Err(irreversible(&missing, files));
    }
    let mut steps = Vec::new();
    if !undos.is_empty() {
        steps.extend(mark::upgrade(&history));
    }
    for (down, up, record) in &undos {
        preflight::check_undoing(down)?;
        steps.push(shown(down, *up, record));
    }
    let left = history.rows.len() - chosen.len();
    let current = left
        .checked_sub(1)
        .map(|last| &history.rows[last])
        .map(|row| title(row.version, &row.name));
    Ok(Plan {
        title: match chosen.as_slice() {
            [one] => format!("undo {}", title(one.version, &one.name)),
            many => format!("undo {}", counted(many.len(), "migration")),
        },
        risk: Risk::Severe,
        steps,
        work: Undoing {
            undos: undos
                .into_iter()
                .map(|(down, _, record)| (down.clone(), title(record.version, &record.name)))
                .collect(),
            current,
            seen: Seen::new(&history, &[]),
            source: files.source.clone(),
        },
    })
}

/// The migrations to be undone, the last one first.
fn chosen<'a>(history: &'a History, files: &Files, reach: &Reach) -> Result<Vec<&'a Record>> {
    let rows = &history.rows;
    let count = match reach {
        Reach::Steps(count) if *count > rows.len() => {
            return Err(Error::refused(format!(
                "{} cannot be undone: {} applied",
                counted(*count, "migration"),
                match rows.len() {
                    0 => "none is".to_owned(),
                    1 => "1 is".to_owned(),
                    many => format!("{many} are"),
                }
            ))
            .unchanged()
            .hint(command("migrate status").hint("see them with {}"))
            .into());
        }
        Reach::Steps(count) => *count,
        Reach::To(named) => {
            let place = rows.iter().position(|row| named.is(row.version, &row.name));
            match place {
                Some(place) => rows.len() - place - 1,
                None if named.is(0, "") => rows.len(),
                None => return Err(not_applied(named, history, files)),
            }
        }
    };
    Ok(rows.iter().rev().take(count).collect())
}

/// What is to stay is not there.
fn not_applied(named: &Named, history: &History, files: &Files) -> anyhow::Error {
    let mut all = files.all.iter();
    if let Some(file) = all.find(|file| named.is(file.version, &file.name)) {
        return Error::refused(format!(
            "{} is not applied, so nothing goes back to it",
            file.title()
        ))
        .unchanged()
        .hint(command("migrate status").hint("see what is with {}"))
        .into();
    }
    let known = history
        .rows
        .iter()
        .map(|row| (row.version, row.name.as_str()));
    named.unknown(known, "in the history").into()
}

/// A migration that ran, as its files are.
struct Pair<'a> {
    up: Option<&'a Migration>,
    down: Option<&'a Migration>,
}

impl<'a> Pair<'a> {
    fn of(record: &Record, files: &'a Files) -> Self {
        let up = files.all.iter().find(|file| file.version == record.version);
        let of_record = || {
            let mut downs = files.downs.iter();
            downs.find(|down| (down.version, &down.name) == (record.version, &record.name))
        };
        Self {
            up,
            down: up.and_then(|up| files.down_of(up)).or_else(of_record),
        }
    }

    /// Why nothing takes it back, as its author says.
    fn reason(up: Option<&Migration>) -> Option<String> {
        directive::read(up?.sql()).directives.irreversible
    }
}

fn shown(down: &Migration, up: Option<&Migration>, record: &Record) -> Step {
    let mut lines = Vec::new();
    if let Some(reason) = Pair::reason(up) {
        lines.push(format!("its author calls it irreversible: {reason}"));
    }
    match up {
        None => lines.push("the file of the migration is gone".to_owned()),
        Some(up) if up.checksum.to_string() != record.checksum => {
            lines.push("the file of the migration was edited after it ran".to_owned());
        }
        Some(_) => {}
    }
    let script = Script::of(down.sql());
    let mut statements = script.all();
    lines.extend(statements.by_ref().take(SHOWN).map(|statement| {
        let words: Vec<&str> = beginning(statement.text).split_whitespace().collect();
        shortened(&words.join(" "))
    }));
    let more = statements.count();
    if more > 0 {
        lines.push(format!("and {}", counted(more, "more statement")));
    }
    Step::new(Effect::Removes, "undo", title(record.version, &record.name))
        .detail(format!("with {}", down.path))
        .lines(lines)
}

fn irreversible(missing: &[(Pair<'_>, &Record)], files: &Files) -> anyhow::Error {
    let names: Vec<String> = missing
        .iter()
        .map(|(_, record)| title(record.version, &record.name))
        .collect();
    let mut error = Error::refused(format!(
        "{} cannot be undone: no file does it",
        names.join(", ")
    ));
    for ((pair, _), name) in missing.iter().zip(&names) {
        error = error.note(match (Pair::reason(pair.up), pair.up) {
            (Some(reason), _) => format!("{name} is irreversible: {reason}"),
            (None, Some(up)) => format!("there is no {}", up.path.replace(".sql", ".down.sql")),
            (None, None) => format!("its files are gone from {}", files.source),
        });
    }
    error
        .unchanged()
        .hint("write what undoes it into that file, or make the change in a new migration")
        .into()
}

/// Undoes, one runner at a time, each migration in a transaction of its own.
pub async fn down(
    db: &Db,
    work: Undoing,
    _consent: Consent,
    run: RunContext<'_>,
) -> Result<Undone> {
    let start = Instant::now();
    let Undoing {
        undos,
        current,
        seen,
        source,
    } = work;
    let mut undone: Vec<Ran> = Vec::new();
    if !undos.is_empty() {
        lock::acquire(db, &lock::MIGRATE, run).await?;
        seen.require(db).await?;
        bookkeeping::install(db, seen.bookkeeping()).await?;
        let engine = Engine { db, run };
        for (down, title) in &undos {
            let story = Story {
                title,
                before: &undone,
            };
            match undoing::run(&engine, down, &story).await {
                Ok(ran) => undone.push(ran),
                Err(error) => return lock::end(db, &lock::MIGRATE, Err(error)).await,
            }
        }
        // What is asked next is asked as before the first file.
        db.reset().await?;
        lock::release(db, &lock::MIGRATE).await?;
    }
    Ok(Undone {
        source,
        undone,
        current,
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}
