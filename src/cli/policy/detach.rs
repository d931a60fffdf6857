//! `policy detach`

use std::time::Duration;

use clap::Args;

use super::relation;
use crate::context::Context;
use crate::error::{Exit, Result, command};
use crate::pg::relation::Named;
use crate::policy::detach::{self, Done, Wish, policies};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "PostgreSQL changes no column that a policy uses. What is detached is kept in the database until \
    `policy attach` makes it again; in between, row-level security stays on. In a migration, \
    `-- toysoldiers: detach-policies TABLE` does both in one transaction.\n\n\
    Examples:\n  toysoldiers policy detach content --dry-run\n  toysoldiers --env staging policy detach content --column visibility --yes"
)]
pub(in crate::cli) struct DetachArgs {
    /// The table, or view, that is to be changed
    #[arg(value_parser = relation)]
    table: Named,
    /// Detach only what stands in the way of changing this column
    #[arg(long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
    /// For how long to try again when other sessions hold a lock; 0 for one attempt
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = crate::settings::duration)]
    retry_for: Duration,
}

impl DetachArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let run = cx.run(self.wait, self.retry_for);
        let db = cx.session("detaching policies").await?;
        let wish = Wish {
            relation: self.table,
            columns: self.columns,
            protected: cx.stage()?.protected,
        };
        let plan = detach::plan(&db, wish).await?;
        cx.carry_out(plan, async |work, consent| {
            detach::detach(&db, work, consent, run).await
        })
        .await
    }
}

impl Report for Done {
    fn table(&self) -> Table {
        let mut table = Table::new(&["table", "name", "command", "roles"]);
        for policy in &self.detached {
            table.row([
                Cell::text(policy.on().title()),
                Cell::text(&policy.name),
                Cell::text(&policy.command),
                Cell::text(policy.roles.join(", ")),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let title = self.relation.title();
        match self.detached.len() {
            0 => format!("nothing to do: no policy is in the way of changing {title}"),
            count => format!(
                "detached {}; {} makes {} again",
                policies(count),
                command(format!("policy attach {title}")),
                if count == 1 { "it" } else { "them" },
            ),
        }
    }
}
