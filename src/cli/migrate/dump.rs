//! `migrate dump`

use std::path::{Path, PathBuf};

use clap::Args;

use super::FOLDER;
use crate::cli::source::shown;
use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::migrate::dump::{self, Compared, Place, Written};
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
    /// Write nothing; end with exit code 3 if the file is not what the database is
    #[arg(long)]
    check: bool,
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
        let db = cx.session("a schema dump").await?;
        let text = dump::read(&db, &cx.programs(), &cx.ui).await?;
        db.close().await;
        if to_stdout {
            cx.ui.print(&text)?;
            return Ok(Exit::Done);
        }
        if self.check {
            return cx.report(&dump::check(place, &text)?);
        }
        let plan = dump::plan(place, text)?;
        cx.carry_out(plan, async |draft, consent| dump::write(draft, consent))
            .await
    }
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
    fn table(&self) -> Table {
        let mut table = Table::lines("difference");
        for line in self.difference.iter().take(LINES) {
            table.row([Cell::lines(line)]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let path = &self.path;
        if self.current {
            return vec![format!("{path} is what the database is")];
        }
        let again = format!("{} writes it", command("migrate dump"));
        if !self.exists {
            return vec![format!("there is no {path}; {again}")];
        }
        let more = self.difference.len().saturating_sub(LINES);
        let more = (more > 0).then(|| format!("and {more} more lines, with `-o json`"));
        let difference = format!(
            "{path} is not what the database is: - in the file, + in the database; {again} anew"
        );
        more.into_iter().chain([difference]).collect()
    }

    fn exit(&self) -> Exit {
        if self.current {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}
