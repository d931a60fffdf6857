//! `policy apply`

use clap::Args;

use super::SourceArgs;
use crate::cli::waiting::WaitArgs;
use crate::context::Context;
use crate::error::{Exit, Result, command};
use crate::pg::lock;
use crate::plan::counted;
use crate::policy::apply::{self, Applied, Wish};
use crate::policy::declared::Declared;
use crate::policy::matrix::Matrix;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "All changes are one transaction. Before it is kept, matrix.toml is asked what everybody may do to which row; \
    if an answer is wrong, nothing is kept, and the exit code is 3.\n\n\
    Examples:\n  toysoldiers policy apply --dry-run\n  toysoldiers --env production policy apply --confirm production"
)]
pub(in crate::cli) struct ApplyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Also drop policies that no file declares, and take rights from roles that no file names
    #[arg(long)]
    prune: bool,
    /// Keep the changes without asking the matrix
    #[arg(long)]
    no_proof: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

impl ApplyArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let source = self.source.source(cx)?;
        let declared = Declared::load(&source)?;
        let matrix = Matrix::load(&source)?;
        let db = cx.session_to_look("applying policies").await?;
        let wish = Wish {
            prune: self.prune,
            unproved: self.no_proof,
        };
        let locks = [&lock::MIGRATE];
        let plan =
            async || Box::pin(apply::plan(&db, declared.clone(), matrix.clone(), wish)).await;
        let plan = self.wait.plan(cx, &db, &locks, "policy apply", plan);
        let plan = Box::pin(plan).await?;
        let run = self.wait.run(cx);
        let apply = async |work, consent| Box::pin(apply::apply(&db, work, consent, run)).await;
        Box::pin(cx.carry_out(plan, apply)).await
    }
}

impl Report for Applied {
    fn table(&self) -> Table {
        if !self.kept {
            let mut table = Table::new(&[
                "table", "command", "row", "actor", "expected", "found", "message",
            ]);
            for cell in &self.wrong {
                table.row([
                    Cell::text(&cell.table),
                    Cell::text(cell.command),
                    Cell::text(&cell.row),
                    Cell::text(&cell.actor),
                    Cell::text(&cell.expected),
                    Cell::text(&cell.found),
                    cell.message.clone().into(),
                ]);
            }
            return table;
        }
        let mut table = Table::new(&["action", "object", "on"]);
        for change in &self.changes {
            table.row([
                Cell::text(change.action.words()),
                Cell::text(&change.object),
                Cell::text(&change.on),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let changes = counted(self.changes.len(), "change");
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        let left = match self.left {
            0 => String::new(),
            left => format!(
                "; {} no file speaks of: {} declares what there is, and `--prune` takes it away",
                counted(left, "thing"),
                command("policy adopt")
            ),
        };
        if !self.kept {
            let cells = counted(self.wrong.len(), "cell");
            return format!(
                "nothing was changed: after {changes}, {cells} of the matrix would not be as declared"
            );
        }
        if self.changes.is_empty() {
            return format!(
                "nothing to do: the database is as declared ({}){left}",
                self.source
            );
        }
        let proved = match self.cells {
            Some(1) => "1 cell as it should be".to_owned(),
            Some(cells) => format!("{cells} cells as they should be"),
            None => "not proved".to_owned(),
        };
        format!(
            "applied {changes} in {time} ({}); {proved}{left}",
            self.source
        )
    }

    fn exit(&self) -> Exit {
        if self.kept { Exit::Done } else { Exit::Finding }
    }
}
