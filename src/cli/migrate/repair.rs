//! `migrate repair`

use std::time::Duration;

use clap::Args;

use super::{SourceArgs, marking};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::named::Named;
use crate::migrate::repair::{self, Repaired};
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Without --done and --undone it accepts files that were edited or renamed after they ran, \
    and shows before what was changed. Nothing is run and nothing is undone: only what the database remembers changes.\n\n\
    Examples:\n  toysoldiers migrate repair --dry-run\n  toysoldiers --env staging migrate repair 008_tips --yes\n  \
    toysoldiers --env production migrate repair 012_tips_index --done"
)]
pub(crate) struct RepairArgs {
    /// Only this migration: its number, its description or its file
    #[arg(value_name = "MIGRATION")]
    migration: Option<Named>,
    /// Mark a migration that stands half-done, and runs in no transaction, as applied
    #[arg(long, requires = "migration")]
    done: bool,
    /// Mark a migration as not applied: a half-done one begins anew, any other loses its row in the history
    #[arg(long, requires = "migration", conflicts_with = "done")]
    undone: bool,
    #[command(flatten)]
    source: SourceArgs,
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
}

impl RepairArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let files = self.source.load(cx)?;
        let db = cx.session("repairing").await?;
        let plan = match &self.migration {
            Some(named) if self.done => repair::plan_done(&db, &files, named).await?,
            Some(named) if self.undone => repair::plan_undone(&db, &files, named).await?,
            only => repair::plan(&db, &files, only.as_ref()).await?,
        };
        cx.carry_out(plan, async |work, consent| {
            repair::repair(
                &db,
                work,
                consent,
                &marking(cx, "migrate repair", self.wait),
            )
            .await
        })
        .await
    }
}

impl Report for Repaired {
    fn table(&self) -> Table {
        let mut table = Table::new(&["migration", "verdict", "detail"]);
        for mended in &self.repaired {
            table.row([
                Cell::text(&mended.migration),
                Cell::text(mended.verdict),
                Cell::text(&mended.detail),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let mut lines = vec![if self.repaired.is_empty() {
            "nothing to repair: no file was edited or renamed after it ran".to_owned()
        } else {
            format!("repaired {}", counted(self.repaired.len(), "migration"))
        }];
        lines.extend(self.remaining.iter().cloned());
        lines
    }
}
