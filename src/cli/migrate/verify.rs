//! `migrate verify`

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::SourceArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::verify::lock::Mode;
use crate::migrate::verify::proof::Wrong;
use crate::migrate::verify::{self, Target, Verified};
use crate::pg::Endpoint;
use crate::pg::catalog::diff::Difference;
use crate::plan::counted;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

/// How many lines of a difference are shown to people; programs get all.
const LINES: usize = 12;

#[derive(Debug, Args)]
#[command(
    after_help = "The scratch database is made on the private server, or where `--scratch-url` says, and dropped in the \
    end. The environment's database is only read. A file NNN_description.down.sql is proved in a copy: down, up, down.\n\n\
    Ends with exit code 3 if the database is not what its migrations make, or a file does not undo its \
    migration.\n\n\
    Examples:\n  toysoldiers --env production migrate verify\n  \
    toysoldiers migrate verify --all -o json\n  \
    toysoldiers --env production migrate verify --scratch-url postgresql://postgres@localhost:54322/postgres"
)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Address of a database on the server where the scratch database is made [default: the private server]
    #[arg(long, value_name = "URL")]
    scratch_url: Option<String>,
    /// Show the locks of all migrations, not only of pending ones
    #[arg(long)]
    all: bool,
}

/// The server where scratch databases are made.
pub(super) enum ScratchServer {
    /// The private one.
    Private,
    /// Another one, by the address of a database that is there.
    Other(Box<Endpoint>),
}

impl ScratchServer {
    /// The one that is named, else the private one. What is wrong with the address is said here, before anybody is
    /// asked anything.
    pub(super) fn named(cx: &Context, url: Option<&str>) -> Result<Self> {
        match url {
            Some(url) => Ok(Self::Other(Box::new(cx.elsewhere(url)?))),
            None => Ok(Self::Private),
        }
    }

    /// The address of a database on it. If it is ours it is started, in this major version if that is here.
    pub(super) async fn ready(self, cx: &Context, major: u32) -> Result<Endpoint> {
        match self {
            Self::Other(endpoint) => cx.like_the_environment(&endpoint),
            Self::Private => {
                let server = cx.server()?.of_major(major, &cx.ui)?;
                server.start(&cx.ui).await?;
                cx.like_the_environment(&server.endpoint("postgres"))
            }
        }
    }
}

/// The result, and how much of it people are shown.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    verified: Verified,
    #[serde(skip)]
    all: bool,
}

impl VerifyArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let files = self.source.load(cx)?;
        let server = ScratchServer::named(cx, self.scratch_url.as_deref())?;
        let db = cx.connect().await?;
        let target = Target::read(&db).await?;
        // Nothing more is asked of it; somebody else may want the connection.
        db.close().await;
        let server = server.ready(cx, target.major).await?;
        let verified = verify::verify(&target, files, &server, cx.undo(), &cx.ui).await?;
        cx.report(&Shown {
            verified,
            all: self.all,
        })
    }
}

impl Report for Shown {
    fn lead(&self) -> Option<Table> {
        let mut table = Table::new(&[
            "migration",
            "statement",
            "line",
            "what",
            "table",
            "lock",
            "rewrites",
            "size",
            "rows",
        ])
        .leaving(&["statement", "rows", "size", "line"])
        .wrapping(&["what"]);
        let locks = self.verified.locks.iter();
        for lock in locks.filter(|lock| lock.pending || self.all) {
            table.row([
                Cell::text(&lock.migration),
                Cell::count(lock.statement),
                Cell::count(lock.line),
                Cell::text(&lock.what),
                Cell::text(&lock.table),
                lock.lock.map(Mode::word).into(),
                Cell::Flag(lock.rewrites),
                lock.bytes
                    .map(|bytes| Cell::Bytes(bytes.try_into().unwrap_or(0)))
                    .into(),
                lock.rows.map(Cell::Count).into(),
            ]);
        }
        Some(table)
    }

    fn table(&self) -> Table {
        let mut table =
            Table::new(&["finding", "state", "object", "difference"]).wrapping(&["object"]);
        let mut add = |finding: &str, difference: &Difference| {
            table.row([
                Cell::text(finding),
                Cell::text(difference.state.word()),
                Cell::text(difference.object()),
                Cell::lines(brief(&difference.lines())),
            ]);
        };
        for difference in &self.verified.drift {
            add("drift", difference);
        }
        for flaw in &self.verified.downs {
            let finding = match flaw.flaw {
                Wrong::NotRestored | Wrong::NotRepeated => {
                    format!("{} {}", flaw.file, flaw.flaw.word())
                }
                Wrong::Stray | Wrong::Fails => flaw.file.clone(),
            };
            for difference in &flaw.differences {
                add(&finding, difference);
            }
        }
        for flaw in &self.verified.downs {
            if flaw.differences.is_empty() {
                table.row([
                    Cell::text(&flaw.file),
                    Cell::text(flaw.flaw.word()),
                    flaw.line.map(|line| format!("line {line}")).into(),
                    flaw.reason.clone().into(),
                ]);
            }
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let verified = &self.verified;
        let notes = verified.notes.iter().map(|note| format!("note: {note}"));
        let time = human_millis(i64::try_from(verified.duration_ms).unwrap_or(i64::MAX));
        let mut text = format!(
            "replayed {} in {time} ({})",
            verify::replayed(verified),
            verified.source
        );
        if verified.undone() > 0 {
            let _ = write!(
                text,
                "; {} undone and repeated",
                counted(verified.undone(), "migration")
            );
        }
        let applied = verified.migrations.len() > verified.pending();
        text.push_str(match (verified.drift.len(), applied) {
            (0, true) => "; the database is what its migrations make",
            (0, false) => "; no migration is applied, and the database is empty",
            (_, true) => {
                "; the database is not what its migrations make: - as declared, + as found"
            }
            (_, false) => "; no migration is applied, and the database is not empty",
        });
        if !verified.downs.is_empty() {
            let _ = write!(
                text,
                "; {} in files that undo migrations",
                counted(verified.downs.len(), "flaw")
            );
        }
        notes.chain([text]).collect()
    }

    fn exit(&self) -> Exit {
        if self.verified.findings() > 0 {
            Exit::Finding
        } else {
            Exit::Done
        }
    }
}

/// The first lines.
fn brief(lines: &[String]) -> String {
    if lines.len() <= LINES + 1 {
        return lines.join("\n");
    }
    format!(
        "{}\n(and {} more lines, with `-o json`)",
        lines[..LINES].join("\n"),
        lines.len() - LINES
    )
}
