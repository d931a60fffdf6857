//! `index list`

use clap::Args;

use super::{counted_indexes, table};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::index::list::{self, Entry, Indexes};
use crate::pg::relation::{Named, Relation};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Scans are those of the server that answers, since its statistics were last reset.\n\n\
    Examples:\n  toysoldiers --env production index list\n  toysoldiers index list --table content -o json"
)]
pub(in crate::cli) struct ListArgs {
    /// Show only this table
    #[arg(long, value_name = "NAME", value_parser = table)]
    table: Option<Named>,
}

impl ListArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let table = self.table.as_ref();
        cx.answer(async |db| list::list(db, table).await).await
    }
}

impl Report for Indexes {
    fn table(&self) -> Table {
        let keys = [
            "table",
            "name",
            "size",
            "scans",
            "last_used",
            "state",
            "definition",
        ];
        let mut table = Table::new(&keys)
            .leaving(&["definition", "last_used", "scans"])
            .cutting(&[("definition", 30)]);
        if !self.knows_last_use {
            table = table.unseen(&["last_used"]);
        }
        for index in &self.indexes {
            let state = state(index);
            table.row([
                Cell::text(Relation::new(&index.schema, &index.table)),
                Cell::text(&index.name),
                Cell::Bytes(u64::try_from(index.size).unwrap_or_default()),
                Cell::count(index.scans),
                index.last_used.into(),
                if index.valid {
                    Cell::text(state)
                } else {
                    Cell::Alarm(state)
                },
                Cell::text(&index.definition),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        counted_indexes(self.indexes.len())
    }
}

/// Whether it can be used.
fn state(index: &Entry) -> String {
    match (index.valid, index.pid) {
        (true, _) => "valid".to_owned(),
        (false, Some(pid)) => format!("being built by pid {pid}"),
        (false, None) => "INVALID".to_owned(),
    }
}
