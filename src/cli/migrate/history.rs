//! `migrate history`

use clap::Args;

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::history::run::Runs;
use crate::migrate::named::Named;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(after_help = "The newest attempt comes last.\n\n\
    Examples:\n  toysoldiers --env production migrate history\n  toysoldiers migrate history 008_tips -o json")]
pub(crate) struct HistoryArgs {
    /// Only the attempts at this migration: its number, its description or its file
    #[arg(value_name = "MIGRATION")]
    migration: Option<Named>,
    /// How many at most; the newest are kept
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl HistoryArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let Self { migration, limit } = self;
        cx.answer(async |db| Runs::read(db, limit, migration.clone()).await)
            .await
    }
}

impl Report for Runs {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "id",
            "version",
            "name",
            "action",
            "outcome",
            "started_at",
            "duration_ms",
            "actor",
            "role",
            "client",
            "tool_version",
            "statements",
            "checksum",
            "sqlstate",
            "message",
        ])
        .unseen(&["id", "role", "statements", "checksum", "sqlstate"])
        .leaving(&["tool_version", "client", "actor", "duration_ms", "action"]);
        for run in &self.runs {
            table.row([
                Cell::count(run.id),
                Cell::Version(run.version),
                Cell::text(&run.name),
                Cell::text(&run.action),
                Cell::text(&run.outcome),
                run.started_at.into(),
                Cell::Millis(run.duration_ms),
                run.actor.clone().into(),
                Cell::text(&run.role),
                run.client.clone().into(),
                run.tool_version.clone().into(),
                run.statements.map(Cell::count).into(),
                run.checksum.clone().into(),
                run.sqlstate.clone().into(),
                run.message.clone().into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        if !self.installed {
            return "this database remembers no migration: toysoldiers never migrated it"
                .to_owned();
        }
        let of = self
            .only
            .as_ref()
            .map_or_else(String::new, |only| format!(" at {only}"));
        if self.runs.is_empty() {
            return format!("no attempt{of} is on record");
        }
        let mut text = format!("{}{of}", counted(self.runs.len(), "attempt"));
        if self.failed() > 0 {
            text = format!("{text}, {} failed", self.failed());
        }
        if !self.complete {
            text.push_str(
                "; this database remembers only what was applied until the next `migrate up`",
            );
        }
        text
    }

    fn remainder(&self) -> Vec<String> {
        let shown = i64::try_from(self.runs.len()).unwrap_or(i64::MAX);
        let older = (self.total > shown).then(|| {
            let older = self.total - shown;
            format!(
                "{older} older ones are not shown; ask for more with `--limit {}`",
                self.total
            )
        });
        older.into_iter().collect()
    }
}
