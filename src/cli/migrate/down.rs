//! `migrate down`

use clap::Args;

use super::SourceArgs;
use crate::cli::waiting::WaitArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::down::{self, Reach, Undone};
use crate::migrate::named::Named;
use crate::plan::counted;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "What undoes NNN_description.sql is NNN_description.down.sql. Each runs in one transaction with \
    the removal of its migration from the history.\n\n\
    Examples:\n  toysoldiers migrate down --dry-run\n  toysoldiers --env staging migrate down --to 008_tips --confirm staging"
)]
pub(crate) struct DownArgs {
    /// The last migration that stays applied: its number, its description or its file; 0 undoes all
    #[arg(long, value_name = "MIGRATION", conflicts_with = "steps")]
    to: Option<Named>,
    /// How many migrations to undo
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    steps: u16,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    wait: WaitArgs,
}

impl DownArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let files = self.source.load(cx)?;
        let reach = match self.to {
            Some(named) => Reach::To(named),
            None => Reach::Steps(usize::from(self.steps)),
        };
        let run = self.wait.run(cx);
        let db = cx.session("undoing migrations").await?;
        let plan = down::plan(&db, &files, &reach).await?;
        cx.carry_out(plan, async |work, consent| {
            down::down(&db, work, consent, run).await
        })
        .await
    }
}

impl Report for Undone {
    fn table(&self) -> Table {
        let mut table = Table::new(&["migration", "statements", "duration_ms"]);
        for ran in &self.undone {
            table.row([
                Cell::text(&ran.migration),
                Cell::count(ran.statements),
                Cell::millis(ran.duration_ms),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let at = self.current.as_deref().unwrap_or("no migration");
        if self.undone.is_empty() {
            return format!("nothing to undo: the database is at {at}");
        }
        let count = counted(self.undone.len(), "migration");
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        format!(
            "undid {count} in {time} ({}); the database is at {at}",
            self.source
        )
    }
}
