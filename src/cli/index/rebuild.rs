//! `index rebuild`

use clap::Args;

use super::apply::bytes;
use super::counted_indexes;
use crate::cli::waiting::WaitArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::index::rebuild::{self, Rebuilt, Which};
use crate::pg::relation::Named;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Indexes are rebuilt beside those who use them, and take twice their room meanwhile. How full one is, is measured with \
    pgstatindex of the extension pgstattuple; it is never estimated.\n\n\
    Examples:\n  toysoldiers index rebuild content_tags\n  toysoldiers index rebuild --bloated --below 60"
)]
pub(in crate::cli) struct RebuildArgs {
    /// The indexes to rebuild
    #[arg(value_name = "NAME", value_parser = index, required_unless_present = "bloated")]
    names: Vec<Named>,
    /// Rebuild those B-trees whose leaves are less than half full
    #[arg(long, conflicts_with = "names")]
    bloated: bool,
    /// How full leaves have to be to be left alone, in percent
    #[arg(long, value_name = "PERCENT", default_value = "50", requires = "bloated", value_parser = clap::value_parser!(u8).range(1..=100))]
    below: u8,
    #[command(flatten)]
    wait: WaitArgs,
}

/// An index as it is typed: `content_tags`, `public.content_tags`.
fn index(text: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| {
        format!(
            "`{text}` names no index: write it as in SQL, `content_tags` or `public.content_tags`"
        )
    })
}

impl RebuildArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let db = cx.session("building indexes").await?;
        let which = if self.bloated {
            Which::Bloated(f64::from(self.below))
        } else {
            Which::Named(self.names)
        };
        let plan = Box::pin(rebuild::plan(&db, which)).await?;
        let run = self.wait.run(cx);
        let rebuild =
            async |work, consent| Box::pin(rebuild::rebuild(&db, work, consent, run)).await;
        Box::pin(cx.carry_out(plan, rebuild)).await
    }
}

impl Report for Rebuilt {
    fn table(&self) -> Table {
        let mut table = Table::new(&["index", "table", "before", "after", "duration_ms"])
            .leaving(&["duration_ms", "table"]);
        for index in &self.indexes {
            table.row([
                Cell::text(&index.name),
                Cell::text(&index.table),
                bytes(Some(index.before)),
                bytes(Some(index.after)),
                Cell::Millis(i64::try_from(index.duration_ms).unwrap_or(i64::MAX)),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        let mut summary = match self.indexes.len() {
            0 => "nothing to do: no index is less full than that".to_owned(),
            count => format!("rebuilt {} in {time}", counted_indexes(count)),
        };
        if !self.not_measurable.is_empty() {
            let names = self.not_measurable.join(", ");
            summary.push_str("; not measurable, since no B-tree: ");
            summary.push_str(&names);
        }
        summary
    }
}
