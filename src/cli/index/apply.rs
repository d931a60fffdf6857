//! `index apply`

use std::time::Duration;

use clap::Args;

use super::{SourceArgs, counted_indexes};
use crate::cli::looking::Looking;
use crate::context::Context;
use crate::error::{Exit, Result, command};
use crate::index::apply::{self, Applied, Manner, Wish};
use crate::index::declared::Declared;
use crate::pg::attempt::Limits;
use crate::pg::{Patience, lock};
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
    manner: MannerArgs,
}

#[derive(Debug, Args)]
pub(super) struct MannerArgs {
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
    /// For how long to try again when other sessions hold a lock that is needed for a moment; 0 for one attempt
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = crate::settings::duration)]
    retry_for: Duration,
}

impl ApplyArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let source = self.source.source(cx)?;
        let declared = Declared::load(&source)?;
        let db = cx.session_to_look("building indexes").await?;
        let wish = Wish { prune: self.prune };
        let looking = Looking {
            wait: self.manner.wait,
            retry_for: self.manner.retry_for,
        };
        let locks = [&lock::INDEX];
        let plan = async || Box::pin(apply::plan(&db, declared.clone(), wish)).await;
        let plan = looking.plan(cx, &db, &locks, "index apply", plan);
        let plan = Box::pin(plan).await?;
        let attend = |db: &crate::pg::Db| cx.attend(db);
        let manner = self.manner.manner(cx, &attend);
        let apply = async |work, consent| Box::pin(apply::apply(&db, work, consent, manner)).await;
        Box::pin(cx.carry_out(plan, apply)).await
    }
}

impl MannerArgs {
    pub(super) fn manner<'a>(
        &self,
        cx: &'a Context,
        attend: &'a dyn Fn(&crate::pg::Db),
    ) -> Manner<'a> {
        let flags = cx.flags();
        Manner {
            limits: Limits::brief(flags.lock_timeout, self.retry_for),
            patience: Patience {
                lock: flags.lock_timeout.unwrap_or(Duration::ZERO),
                statement: flags.statement_timeout.unwrap_or(Duration::ZERO),
            },
            wait: self.wait,
            progress: &cx.ui,
            attend,
            undo: cx.undo(),
        }
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
                "; no file declares {}: see {}, and `--prune`",
                counted_indexes(left),
                command("index status")
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
