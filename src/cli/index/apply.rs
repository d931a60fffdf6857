//! `index apply`

use clap::Args;

use super::{SourceArgs, counted_indexes};
use crate::cli::waiting::WaitArgs;
use crate::context::Context;
use crate::error::{Exit, Result, command};
use crate::index::apply::{self, Applied, Wish};
use crate::index::declared::Declared;
use crate::pg::lock;
use crate::plan::counted;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Indexes are built one after the other while everybody reads and writes. What is done stays: after an interruption the \
    same command goes on, follows a build that still runs on the server, and drops what one left behind.\n\n\
    Builds wait for locks and take as long as they need, unless --lock-timeout or --statement-timeout says otherwise.\n\n\
    Examples:\n  toysoldiers index apply --dry-run\n  toysoldiers --env production index apply --yes"
)]
pub(in crate::cli) struct ApplyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Also drop indexes that no file declares
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

impl ApplyArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let source = self.source.source(cx)?;
        let declared = Declared::load(&source)?;
        let db = cx.session_to_look("building indexes").await?;
        let wish = Wish { prune: self.prune };
        let locks = [&lock::INDEX];
        let plan = async || Box::pin(apply::plan(&db, declared.clone(), wish)).await;
        let plan = self.wait.plan(cx, &db, &locks, "index apply", plan);
        let plan = Box::pin(plan).await?;
        let run = self.wait.run(cx);
        let apply = async |work, consent| Box::pin(apply::apply(&db, work, consent, run)).await;
        Box::pin(cx.carry_out(plan, apply)).await
    }
}

impl Report for Applied {
    fn table(&self) -> Table {
        let mut table = Table::new(&["action", "index", "table", "size", "duration_ms"])
            .leaving(&["size", "duration_ms", "table"]);
        for change in &self.changes {
            table.row([
                Cell::text(change.action.words()),
                Cell::text(&change.name),
                Cell::text(&change.table),
                bytes(change.size),
                Cell::Millis(i64::try_from(change.duration_ms).unwrap_or(i64::MAX)),
            ]);
        }
        table
    }

    fn is_told(&self) -> bool {
        true
    }

    fn summary(&self) -> String {
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        let left = match self.left {
            0 => String::new(),
            left => format!(
                "; no file declares {}: {} does, and `--prune` drops what none declares",
                counted_indexes(left),
                command("index adopt")
            ),
        };
        if self.changes.is_empty() {
            return format!(
                "nothing to do: the indexes are as declared ({}){left}",
                self.source
            );
        }
        let changes = counted(self.changes.len(), "change");
        format!("applied {changes} in {time} ({}){left}", self.source)
    }
}

/// A size, if there is one.
pub(super) fn bytes(size: Option<i64>) -> Cell {
    size.and_then(|size| u64::try_from(size).ok())
        .map_or(Cell::Missing, Cell::Bytes)
}
