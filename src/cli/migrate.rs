//! `migrate`

mod baseline;
pub(super) mod check;
mod down;
mod dump;
mod history;
mod repair;
pub(super) mod up;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::source::Noun;
use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::migrate::diff::Entry;
use crate::migrate::mark::Marking;
use crate::migrate::new::{self, Created};
use crate::migrate::{self, Files, Status};
use crate::plan::counted;
use crate::source::{self, Source};
use crate::ui::{Cell, Report, Table};

/// Where migrations are when nobody says otherwise.
const FOLDER: &str = "database/migrations";

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Migrations are files named NNN_description.sql. They come from `--migrations`, else from the folder \
    toysoldiers.toml names, else from database/migrations, else from the program itself."
)]
pub(super) enum MigrateCommand {
    /// Apply the migrations that are pending, one transaction each
    Up(up::UpArgs),
    /// Show which migrations are applied, pending or in trouble; writes nothing
    Status(StatusArgs),
    /// Show every attempt at a migration: who, when, from where, and how it ended
    History(history::HistoryArgs),
    /// Make the history and the files fit again: accept edited files, or say how a half-done migration stands
    Repair(repair::RepairArgs),
    /// Take over a database as it is: mark migrations as applied without running them
    Baseline(baseline::BaselineArgs),
    /// Undo the last migration, or several, with the files that say how
    Down(down::DownArgs),
    /// Make the next migration file
    New(NewArgs),
    /// Find out without a server what is wrong with migrations, or may hurt when they run
    Check(check::CheckArgs),
    /// Replay all migrations in a scratch database, and compare what comes of it with the environment's
    Verify(verify::VerifyArgs),
    /// Write the environment's schema into a file, the same for the same schema
    Dump(dump::DumpArgs),
}

#[derive(Debug, Args)]
struct SourceArgs {
    /// Folder of the migrations
    #[arg(long, value_name = "FOLDER")]
    migrations: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  toysoldiers --env production migrate status --check || echo 'deploy first'"
)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// End with exit code 3 unless every migration is applied
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers migrate new \"tip currency\"")]
pub(super) struct NewArgs {
    /// The change in a few words; they become the file's name
    description: String,
    #[command(flatten)]
    source: SourceArgs,
    /// Number the file by the current time in UTC instead of counting on
    #[arg(long)]
    timestamp: bool,
}

impl MigrateCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Up(args) => args.run(cx).await,
            Self::Status(args) => args.run(cx).await,
            Self::History(args) => args.run(cx).await,
            Self::Repair(args) => args.run(cx).await,
            Self::Baseline(args) => args.run(cx).await,
            Self::Down(args) => args.run(cx).await,
            Self::New(args) => args.run(cx).await,
            Self::Check(args) => args.run(cx).await,
            Self::Verify(args) => args.run(cx).await,
            Self::Dump(args) => args.run(cx).await,
        }
    }
}

/// Where migrations are when nobody says otherwise, and how else that is said.
pub(super) const NOUN: Noun = Noun {
    folder: FOLDER,
    flag: "--migrations",
    embedded: source::MIGRATIONS,
};

/// Where migrations are, if this folder was named or none.
pub(super) fn source(cx: &Context, folder: Option<&Path>) -> Result<Source> {
    NOUN.find(cx, folder, cx.settings()?.migrations.as_ref())
}

impl SourceArgs {
    fn source(&self, cx: &Context) -> Result<Source> {
        source(cx, self.migrations.as_deref())
    }

    fn load(&self, cx: &Context) -> Result<Files> {
        Files::load(&self.source(cx)?)
    }
}

/// Who changes the history by which command.
fn marking<'a>(cx: &'a Context, command: &'static str, wait: Duration) -> Marking<'a> {
    Marking {
        command,
        run: cx.run(wait, Duration::ZERO),
    }
}

impl StatusArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let files = self.source.load(cx)?;
        let db = cx.connect().await?;
        let status = migrate::status(&db, files).await?;
        cx.report(&status)?;
        Ok(if self.check && !status.is_settled() {
            Exit::Finding
        } else {
            Exit::Done
        })
    }
}

impl NewArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let source = self.source.source(cx)?;
        let now = jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string();
        let now = now
            .parse()
            .map_err(|error| Error::failed("the clock cannot be read").because(error))?;
        let plan = new::plan(&source, &self.description, now, self.timestamp)?;
        cx.carry_out(plan, async |draft, consent| new::create(draft, consent))
            .await
    }
}

impl Report for Status {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "version",
            "name",
            "state",
            "applied_at",
            "applied_by",
            "duration_ms",
        ])
        .leaving(&["applied_by", "duration_ms", "applied_at"]);
        for entry in &self.migrations {
            table.row([
                Cell::Version(entry.version),
                Cell::text(&entry.name),
                state(entry),
                entry.applied_at.into(),
                entry.applied_by.clone().into(),
                entry.duration_ms.map(Cell::Millis).into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let (applied, pending, trouble) = self.counts();
        let text = format!("{applied} applied, {pending} pending ({})", self.source);
        if trouble == 0 {
            return text;
        }
        format!(
            "{text}; {trouble} in trouble, which {} explains",
            command("migrate up")
        )
    }
}

fn state(entry: &Entry) -> Cell {
    let word = entry.standing.word();
    Cell::text(match entry.statements_done {
        Some(done) => format!("{word} ({} done)", counted(done, "statement")),
        None => word.to_owned(),
    })
}

impl Report for Created {
    fn table(&self) -> Table {
        Table::record([("path", Cell::text(&self.path))])
    }

    fn summary(&self) -> String {
        format!(
            "write the change into it, then run {}",
            command("migrate up")
        )
    }
}
