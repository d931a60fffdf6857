//! `index status`

use clap::Args;

use super::{SourceArgs, counted_indexes};
use crate::cli::standing::standing;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::index::declared::Declared;
use crate::index::status::{self, Status};
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed: declared indexes are made on empty temporary tables, in a transaction that is rolled back.\n\n\
    Examples:\n  toysoldiers --env production index status\n  toysoldiers index status --check -o json"
)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// End with exit code 3 unless the database is as declared
    #[arg(long)]
    check: bool,
}

impl StatusArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let declared = Declared::load(&self.source.source(cx)?)?;
        let db = cx.session_to_look("comparing indexes").await?;
        let status = Box::pin(status::status(&db, declared)).await?;
        cx.report(&status)?;
        Ok(if self.check && !status.in_sync {
            Exit::Finding
        } else {
            Exit::Done
        })
    }
}

impl Report for Status {
    fn table(&self) -> Table {
        let mut table = Table::new(&["action", "index", "table", "size", "detail"])
            .leaving(&["size", "table"])
            .shortening(&[("detail", 30)]);
        for difference in &self.differences {
            let mut detail = difference.detail.clone();
            if difference.prune {
                detail.push_str("; goes only with --prune");
            }
            for line in &difference.lines {
                if !detail.is_empty() {
                    detail.push('\n');
                }
                detail.push_str(line);
            }
            let size = difference.size.and_then(|size| u64::try_from(size).ok());
            table.row([
                Cell::text(difference.action.words()),
                Cell::text(&difference.name),
                Cell::text(&difference.table),
                size.map_or(Cell::Missing, Cell::Bytes),
                Cell::lines(detail),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let here = format!(
            "{} on {} ({})",
            counted_indexes(self.indexes),
            counted(self.tables, "table"),
            self.source
        );
        let differences = self.differences.iter();
        standing(
            "index",
            &here,
            differences.map(|difference| difference.prune),
            &self.notes,
        )
    }
}
