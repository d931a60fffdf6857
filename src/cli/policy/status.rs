//! `policy status`

use clap::Args;

use super::SourceArgs;
use crate::cli::standing::standing;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::plan::counted;
use crate::policy::declared::Declared;
use crate::policy::detach::policies;
use crate::policy::difference::AccessEffect;
use crate::policy::status::{self, Status};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed: declared policies are made on temporary tables, in a transaction that is rolled back.\n\n\
    Examples:\n  toysoldiers --env production policy status\n  toysoldiers policy status --check -o json"
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
        let db = cx.session_to_look("comparing policies").await?;
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
        let mut table = Table::new(&["action", "object", "on", "effect", "detail", "prune"])
            .unseen(&["prune"])
            .wrapping(&["object"]);
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
            table.row([
                Cell::text(difference.action.words()),
                Cell::text(&difference.object),
                Cell::text(&difference.on),
                Cell::text(match difference.effect {
                    AccessEffect::None => "none",
                    AccessEffect::Tightens => "tightens",
                    AccessEffect::Unclear => "may loosen",
                    AccessEffect::Loosens => "loosens",
                }),
                Cell::lines(detail.trim_start_matches("; ")),
                Cell::Flag(difference.prune),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let here = format!(
            "{} of {} ({})",
            policies(self.policies),
            counted(self.relations, "relation"),
            self.source
        );
        let differences = self.differences.iter();
        standing(
            "policy",
            &here,
            differences.map(|difference| difference.prune),
            &self.notes,
        )
    }
}
