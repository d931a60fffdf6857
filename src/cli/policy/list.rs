//! `policy list`

use clap::Args;

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::policy::list::{self, Policies};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers --env production policy list")]
pub(in crate::cli) struct ListArgs {}

impl ListArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        cx.answer(list::list).await
    }
}

impl Report for Policies {
    fn table(&self) -> Table {
        let keys = [
            "table", "name", "command", "roles", "kind", "using", "check",
        ];
        let mut table = Table::new(&keys);
        for policy in &self.policies {
            table.row([
                Cell::text(match policy.schema.as_str() {
                    "public" => policy.table.clone(),
                    schema => format!("{schema}.{}", policy.table),
                }),
                Cell::text(&policy.name),
                Cell::text(&policy.command),
                Cell::text(policy.roles.join(", ")),
                Cell::text(if policy.permissive {
                    "permissive"
                } else {
                    "restrictive"
                }),
                policy.using.clone().into(),
                policy.check.clone().into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        match self.policies.len() {
            1 => "1 policy".to_owned(),
            count => format!("{count} policies"),
        }
    }
}
