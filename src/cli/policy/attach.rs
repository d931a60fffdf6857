//! `policy attach`

use std::time::Duration;

use clap::Args;

use super::relation;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::pg::relation::Named;
use crate::policy::attach::{self, Done, Wish};
use crate::policy::detach::policies;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  toysoldiers --env staging policy attach content\n  \
    toysoldiers --env staging policy attach content --forget content_read --yes"
)]
pub(in crate::cli) struct AttachArgs {
    /// The table, or view, that was changed
    #[arg(value_parser = relation)]
    table: Named,
    /// Give up this policy instead of making it again; its definition is lost
    #[arg(long, value_name = "NAME")]
    forget: Vec<String>,
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
    /// For how long to try again when other sessions hold a lock; 0 for one attempt
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = crate::settings::duration)]
    retry_for: Duration,
}

impl AttachArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let run = cx.run(self.wait, self.retry_for);
        let db = cx.session("attaching policies").await?;
        let wish = Wish {
            relation: self.table,
            forget: self.forget,
            protected: cx.stage()?.protected,
        };
        let plan = attach::plan(&db, wish).await?;
        cx.carry_out(plan, async |work, consent| {
            attach::attach(&db, work, consent, run).await
        })
        .await
    }
}

impl Report for Done {
    fn table(&self) -> Table {
        let mut table = Table::new(&["table", "name", "command", "roles", "outcome"]);
        let attached = self.attached.iter().map(|policy| (policy, "attached"));
        let forgotten = self.forgotten.iter().map(|policy| (policy, "forgotten"));
        for (policy, outcome) in attached.chain(forgotten) {
            table.row([
                Cell::text(policy.on().title()),
                Cell::text(&policy.name),
                Cell::text(&policy.command),
                Cell::text(policy.roles.join(", ")),
                Cell::text(outcome),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let title = self.relation.title();
        let (attached, forgotten) = (self.attached.len(), self.forgotten.len());
        match (attached, forgotten) {
            (0, 0) => format!("nothing to do: no policy is detached because of {title}"),
            (count, 0) => format!("attached {}", policies(count)),
            (0, count) => format!("forgot {}", policies(count)),
            (_, _) => format!("attached {}, forgot {}", policies(attached), forgotten),
        }
    }
}
