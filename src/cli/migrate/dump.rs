//! `migrate dump`

use std::path::{Path, PathBuf};

use clap::Args;

use super::FOLDER;
use super::verify::ScratchServer;
use crate::cli::source::shown;
use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::migrate::dump::load::Loaded;
use crate::migrate::dump::{self, Compared, Place, Schema, Written};
use crate::migrate::verify::Scratch;
use crate::pg::stranger::Stranger;
use crate::plan::{Progress, counted_as};
use crate::ui::{Cell, Report, Table};

/// Name of the file when nobody says otherwise.
const FILE: &str = "schema.sql";

/// How many lines that differ are shown to people; programs get all.
const LINES: usize = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "The same schema gives the same file. Owners, our own schema and what Supabase brings are left out.\n\n\
    Examples:\n  toysoldiers migrate dump\n  \
    toysoldiers --env production migrate dump --check || echo 'somebody changed something'\n  \
    toysoldiers migrate dump --file - | less"
)]
pub(crate) struct DumpArgs {
    /// File to write, `-` for stdout [default: schema.sql beside the folder of the migrations]
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Write nothing; end with exit code 3 if the file is not what the database is, or cannot be loaded
    #[arg(long)]
    check: bool,
    /// Address of a database on the server where `--check` loads the schema [default: the private server]
    #[arg(
        long,
        value_name = "URL",
        requires = "check",
        conflicts_with = "no_load"
    )]
    scratch_url: Option<String>,
    /// Compare with the file only, without loading the schema anywhere
    #[arg(long, requires = "check")]
    no_load: bool,
}

impl DumpArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let to_stdout = self.file.as_deref() == Some(Path::new("-"));
        if to_stdout && self.check {
            return Err(
                Error::usage("`--check` compares with a file, and `-` is none")
                    .hint("leave out one of them")
                    .into(),
            );
        }
        if to_stdout {
            cx.ui.require_table("migrate dump --file -")?;
        }
        let place = place(cx, self.file)?;
        let server = ScratchServer::named(cx, self.scratch_url.as_deref())?;
        let db = cx.session("a schema dump").await?;
        let schema = dump::read(&db, &cx.programs(), &cx.ui).await?;
        let major = db.server_major();
        let is_to_be_loaded = self.check && !self.no_load;
        let strangers = if is_to_be_loaded && self.scratch_url.is_none() {
            Stranger::all(&db).await?
        } else {
            Vec::new()
        };
        db.close().await;
        if to_stdout {
            cx.ui.print(&schema.text)?;
            return Ok(Exit::Done);
        }
        if self.check {
            // On the private server their code would have the rights of its superuser, and so of whoever runs this.
            let mut owners: Vec<&str> = strangers.iter().map(|one| one.owner.as_str()).collect();
            owners.dedup();
            if !owners.is_empty() {
                cx.ui.warn(&format!(
                    "it was not loaded: it has things of {}, whose code would be run; name a server where that does no harm with `--scratch-url`",
                    owners.join(", ")
                ));
            }
            let loaded = if !is_to_be_loaded || !owners.is_empty() {
                None
            } else {
                Some(Box::pin(load(cx, &schema, server, major)).await?)
            };
            return cx.report(&dump::check(place, &schema.text, loaded)?);
        }
        let plan = dump::plan(place, schema.text)?;
        cx.carry_out(plan, async |draft, consent| dump::write(draft, consent))
            .await
    }
}

/// Loads the schema into a scratch database.
async fn load(cx: &Context, schema: &Schema, server: ScratchServer, major: u32) -> Result<Loaded> {
    let server = server.ready(cx, major).await?;
    cx.ui.working("loading the schema into a scratch database");
    let scratch = Scratch::make(&server, cx.undo()).await?;
    let Schema { text, left_out } = schema;
    let loaded = dump::load::load(text, left_out, major, &scratch.db).await?;
    scratch.drop(cx.undo()).await?;
    Ok(loaded)
}

/// The file that is named, else the one beside the folder of the migrations.
fn place(cx: &Context, file: Option<PathBuf>) -> Result<Place> {
    if let Some(path) = file {
        return Ok(Place {
            shown: path.display().to_string(),
            path,
        });
    }
    let settings = cx.settings()?;
    let folder = match &settings.migrations {
        Some((folder, _)) => folder.clone(),
        None => settings.base.join(FOLDER),
    };
    let path = folder.with_file_name(FILE);
    Ok(Place {
        shown: shown(&path),
        path,
    })
}

impl Report for Written {
    fn table(&self) -> Table {
        Table::record([
            ("path", Cell::text(&self.path)),
            ("lines", Cell::count(self.lines)),
            ("changed", Cell::Flag(self.changed)),
        ])
    }

    fn summary(&self) -> String {
        if self.changed {
            return String::new();
        }
        "the file is what the database is, and was not touched".to_owned()
    }
}

impl Report for Compared {
    fn lead(&self) -> Option<Table> {
        let loaded = self.loaded.as_ref()?;
        let mut table =
            Table::new(&["object", "reason", "fix"]).wrapping(&["object", "reason", "fix"]);
        for failure in &loaded.failures {
            let reason = match failure.others {
                0 => failure.reason.clone(),
                others => format!(
                    "{}; {} for want of it",
                    failure.reason,
                    counted_as(others, "more fails", "more fail")
                ),
            };
            table.row([
                Cell::text(&failure.object),
                Cell::text(reason),
                failure.fix.clone().into(),
            ]);
        }
        Some(table)
    }

    fn table(&self) -> Table {
        let mut table = Table::lines("difference");
        for line in self.difference.iter().take(LINES) {
            table.row([Cell::lines(line)]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let path = &self.path;
        let mut lines = Vec::new();
        if let Some(loaded) = &self.loaded {
            lines.extend(loaded.notes.iter().map(|note| format!("note: {note}")));
            let server = &loaded.scratch_server;
            let tried = if loaded.notes.is_empty() {
                "the schema"
            } else {
                "what was tried of the schema"
            };
            lines.push(match loaded.failures.len() {
                0 => format!("{tried} can be loaded into an empty database of PostgreSQL {server}"),
                count => format!("{} in an empty database of PostgreSQL {server}, with an empty search_path as in every restore", counted_as(count, "object fails", "objects fail")),
            });
        }
        if self.current {
            lines.push(format!("{path} is what the database is"));
            return lines;
        }
        let again = format!("{} writes it", command("migrate dump"));
        if !self.exists {
            lines.push(format!("there is no {path}; {again}"));
            return lines;
        }
        let more = self.difference.len().saturating_sub(LINES);
        let more = (more > 0).then(|| format!("and {more} more lines, with `-o json`"));
        let difference = format!(
            "{path} is not what the database is: - in the file, + in the database; {again} anew"
        );
        lines.extend(more.into_iter().chain([difference]));
        lines
    }

    fn exit(&self) -> Exit {
        if self.is_fine() {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}
