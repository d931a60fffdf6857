//! `migrate baseline`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::verify::ScratchServer;
use super::{FOLDER, SourceArgs, marking};
use crate::cli::source::shown;
use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::migrate::baseline::{self, Adopted};
use crate::migrate::import::folder::Place;
use crate::migrate::import::{self, Imported, Tool};
use crate::migrate::named::Named;
use crate::migrate::{Files, verify};
use crate::pg::catalog::Catalog;
use crate::pg::catalog::diff::Comparison;
use crate::pg::{Db, Patience};
use crate::plan::{Progress, counted};
use crate::source::Source;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is run: what these migrations would do is in the database already. To see whether it is, they are \
    run in a scratch database, and the differences are shown before anything is marked.\n\n\
    Examples:\n  toysoldiers --env production migrate baseline --dry-run\n  \
    toysoldiers --env production migrate baseline --to 008_tips --yes"
)]
pub(crate) struct BaselineArgs {
    /// The last migration to be marked: its number, its description or its file [default: the last one there is]
    #[arg(long, value_name = "MIGRATION", conflicts_with = "from")]
    to: Option<Named>,
    /// Take over from this tool: its files, in the folder of `--migrations`, become ours, and what it applied is applied
    #[arg(long, value_name = "TOOL", value_parser = tools())]
    from: Option<Tool>,
    /// Folder for the files that become ours [default: the folder of our migrations]
    #[arg(long, value_name = "FOLDER", requires = "from")]
    into: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
    /// Address of a database on the server where the scratch database is made [default: the private server]
    #[arg(long, value_name = "URL", conflicts_with = "from")]
    scratch_url: Option<String>,
    /// Do not compare the database with what these migrations make in a scratch database
    #[arg(long, conflicts_with_all = ["from", "scratch_url"])]
    no_compare: bool,
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
}

impl BaselineArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        if let Some(tool) = self.from {
            return self.import(cx, tool).await;
        }
        let files = self.source.load(cx)?;
        let (db, stamp) = cx.session_to_claim("a baseline").await?;
        let to = self.to.as_ref();
        let mut plan = baseline::plan(&db, &files, to, stamp.clone(), None).await?;
        if !self.no_compare && !plan.steps.is_empty() {
            let differences = Box::pin(self.compare(cx, &db, &files)).await?;
            plan = baseline::plan(&db, &files, to, stamp, Some(&differences)).await?;
        }
        let marking = marking(cx, "migrate baseline", self.wait);
        cx.carry_out(plan, async |work, consent| {
            baseline::baseline(&db, work, consent, &marking).await
        })
        .await
    }
}

impl BaselineArgs {
    /// How the database differs from what the migrations make, which are run in a scratch database to see it.
    async fn compare(&self, cx: &Context, db: &Db, files: &Files) -> Result<Comparison> {
        let compare = async || {
            let server = ScratchServer::named(cx, self.scratch_url.as_deref())?
                .ready(cx, db.server_major())
                .await?;
            let found = Catalog::read(db).await?;
            // The settings of the snapshot are not those of a session.
            db.set_up(Patience::default()).await?;
            cx.ui.working("comparing with a scratch database");
            let wanted = baseline::wanted(files, self.to.as_ref())?;
            verify::compare_with(&found, &wanted, &server, cx.undo()).await
        };
        compare().await.map_err(|error| {
            Error::failed("cannot compare the database with what these migrations make")
                .after(&error)
                .hint("name a server like the environment's, with its roles and extensions, with `--scratch-url`")
                .hint("or leave the comparison out with `--no-compare`, if you know what is there")
                .into()
        })
    }

    async fn import(self, cx: &Context, tool: Tool) -> Result<Exit> {
        let into = match self.into {
            Some(path) => Place {
                shown: path.display().to_string(),
                path,
            },
            None => own(cx)?,
        };
        let Source::Folder { path, shown, .. } = self.source.source(cx)? else {
            return Err(
                Error::usage(format!("where the migrations of {tool} are was not said"))
                    .hint("name their folder with `--migrations`")
                    .into(),
            );
        };
        let theirs = Place { path, shown };
        let (db, stamp) = cx.session_to_claim("a baseline").await?;
        let plan = import::plan(&db, tool, &theirs, into, stamp).await?;
        let marking = marking(cx, "migrate baseline", self.wait);
        cx.carry_out(plan, async |work, consent| {
            import::import(&db, work, consent, &marking).await
        })
        .await
    }
}

/// The words for the tools.
fn tools() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::word)).try_map(|word| word.parse::<Tool>())
}

/// The folder of our migrations, whether it is there or not.
fn own(cx: &Context) -> Result<Place> {
    let settings = cx.settings()?;
    let path = if let Some((path, _)) = &settings.migrations {
        path.clone()
    } else {
        let found = settings.base.join(FOLDER);
        if found.is_dir() {
            let source = Source::Folder {
                shown: shown(&found),
                path: found.clone(),
                found_for: Some(settings.caller.clone()),
            };
            source.entries()?;
        }
        found
    };
    Ok(Place {
        shown: shown(&path),
        path,
    })
}

impl Report for Imported {
    fn table(&self) -> Table {
        let mut table = Table::new(&["theirs", "ours", "state"]);
        for taken in &self.migrations {
            table.row([
                Cell::text(&taken.theirs),
                Cell::text(&taken.ours),
                Cell::text(if taken.applied { "applied" } else { "pending" }),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let Self {
            folder,
            written,
            marked,
            stamped,
            ..
        } = self;
        if *written == 0 && *marked == 0 {
            return vec![format!(
                "nothing to take over: all of it is in {folder} and in the history"
            )];
        }
        let stamped = stamped.as_ref().map_or_else(String::new, |environment| {
            format!("; stamped the database as {environment}")
        });
        vec![
            format!(
                "wrote {} into {folder}, marked {} as applied{stamped}",
                counted(*written, "file"),
                counted(*marked, "migration"),
            ),
            format!(
                "{} tells what else they need to run on an empty database",
                command("migrate check")
            ),
        ]
    }
}

impl Report for Adopted {
    fn table(&self) -> Table {
        let mut table = Table::new(&["migration"]);
        for migration in &self.adopted {
            table.row([Cell::text(migration)]);
        }
        table
    }

    fn summary(&self) -> String {
        let Self {
            source,
            adopted,
            pending,
            stamped,
            upgraded: _,
        } = self;
        let stamped = stamped.as_ref().map_or_else(String::new, |environment| {
            format!("; stamped the database as {environment}")
        });
        let rest = match pending {
            0 => "none is pending".to_owned(),
            pending => format!("{pending} pending"),
        };
        let marked = match adopted.len() {
            0 => "nothing to mark".to_owned(),
            count => format!("marked {} as applied", counted(count, "migration")),
        };
        format!("{marked} ({source}); {rest}{stamped}")
    }
}
