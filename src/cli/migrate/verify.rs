//! `migrate verify`

use std::fmt::Write;

use clap::Args;

use crate::cli::deploy::SourcesArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::Files;
use crate::migrate::verify::lock::Mode;
use crate::migrate::verify::proof::Wrong;
use crate::migrate::verify::{self, Declared, Target, Verified, Watched};
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
    end. The environment's database is only read, but that it remembers that its schema was found as declared if that was in doubt. A file NNN_description.down.sql is proved in a copy: down, up, down.\n\n\
    Ends with exit code 3 if the database is not what its files make, or a file does not undo its \
    migration.\n\n\
    Examples:\n  toysoldiers --env production migrate verify\n  \
    toysoldiers migrate verify --all -o json\n  \
    toysoldiers --env production migrate verify --scratch-url postgresql://postgres@localhost:54322/postgres"
)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    sources: SourcesArgs,
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
            Self::Other(endpoint) => {
                cx.require_unguarded(&endpoint).await?;
                cx.like_the_environment(&endpoint)
            }
            Self::Private => {
                let server = cx.server()?.of_major(major, &cx.ui)?;
                server.start(&cx.ui).await?;
                cx.like_the_environment(&server.endpoint("postgres"))
            }
        }
    }
}

impl VerifyArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let sources = self.sources.sources(cx)?;
        let files = Files::load(&sources.migrations)?;
        let declared = Declared::load(&sources.policies, &sources.indexes);
        let server = ScratchServer::named(cx, self.scratch_url.as_deref())?;
        let programs = cx.programs();
        let db = cx.connect().await?;
        let target = Target::read(&db, &programs).await?;
        // Nothing more is asked of it for now; somebody else may want the connection.
        let endpoint = db.endpoint().clone();
        db.close().await;
        let server = server.ready(cx, target.major).await?;
        let watched = if self.all {
            Watched::All
        } else {
            Watched::Pending
        };
        let mut verified = verify::verify(
            &target,
            files,
            declared,
            watched,
            &server,
            cx.undo(),
            &cx.ui,
        )
        .await?;
        if !cx.ui.is_dry() {
            verify::remember(&target, &endpoint, &mut verified).await;
        }
        cx.report(&verified)
    }
}

impl Report for Verified {
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
        for lock in &self.locks {
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
        for difference in &self.drift {
            add("drift", difference);
        }
        for flaw in &self.downs {
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
        for flaw in &self.downs {
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
        let notes = self.notes.iter().map(|note| format!("note: {note}"));
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        let mut text = format!(
            "replayed {} in {time} ({})",
            verify::replayed(self),
            self.source
        );
        if self.undone() > 0 {
            let _ = write!(
                text,
                "; {} undone and repeated",
                counted(self.undone(), "migration")
            );
        }
        let applied = self.migrations.len() > self.pending();
        text.push_str(match (self.drift.len(), applied) {
            (0, true) if self.pending() > 0 => "; the database is what the applied files make",
            (0, true) => "; the database is what its files make",
            (0, false) => "; no migration is applied, and the database is empty",
            (_, true) => "; the database is not what its files make: - as declared, + as found",
            (_, false) => "; no migration is applied, and the database is not empty",
        });
        if !self.downs.is_empty() {
            let _ = write!(
                text,
                "; {} in files that undo migrations",
                counted(self.downs.len(), "flaw")
            );
        }
        notes.chain([text]).collect()
    }

    fn exit(&self) -> Exit {
        if self.findings() > 0 {
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
