//! `policy list`

use clap::Args;

use super::{SourceArgs, relation};
use crate::context::Context;
use crate::error::{Exit, Result, command};
use crate::pg::relation::Named;
use crate::plan::Progress;
use crate::policy::ability::Rows;
use crate::policy::detach::policies;
use crate::policy::list::{self, Abilities, Policies};
use crate::policy::matrix::Matrix;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toysoldiers --env production policy list\n  \
    toysoldiers --env production policy list --as fan --table tips"
)]
pub(in crate::cli) struct ListArgs {
    /// Show what this actor of matrix.toml, or this role, can do table by table, instead of the policies
    #[arg(long = "as", value_name = "ACTOR")]
    actor: Option<String>,
    /// Show only this table, or view
    #[arg(long, value_name = "NAME", value_parser = relation)]
    table: Option<Named>,
    #[command(flatten)]
    source: SourceArgs,
}

impl ListArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let table = self.table.as_ref();
        let Some(actor) = &self.actor else {
            return cx.answer(async |db| list::list(db, table).await).await;
        };
        let matrix = Matrix::load(&self.source.source(cx)?)?;
        let mut actors = matrix.iter().flat_map(|matrix| &matrix.actors);
        let role = match actors.find(|known| known.name == *actor) {
            Some(known) => {
                cx.ui
                    .say(&format!("{actor} asks as the role {}", known.role.text));
                &known.role.text
            }
            None => actor,
        };
        cx.answer(async |db| list::list_as(db, role, table).await)
            .await
    }
}

impl Report for Policies {
    fn table(&self) -> Table {
        let keys = [
            "table", "name", "command", "roles", "kind", "using", "check",
        ];
        let mut table = Table::new(&keys)
            .leaving(&["check", "using", "kind", "roles"])
            .cutting(&[("roles", 10), ("using", 20), ("check", 20)]);
        for policy in &self.policies {
            table.row([
                Cell::text(policy.on().title()),
                Cell::text(&policy.name),
                Cell::text(&policy.command),
                Cell::text(policy.roles.join(", ")),
                Cell::text(if policy.permissive {
                    "permissive"
                } else {
                    "restrictive"
                }),
                policy.using.clone().map(Cell::lines).into(),
                policy.check.clone().map(Cell::lines).into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        policies(self.policies.len())
    }

    fn remainder(&self) -> Vec<String> {
        let mut titles: Vec<String> = self
            .detached
            .iter()
            .map(|detached| detached.because.title())
            .collect();
        titles.sort();
        titles.dedup();
        let attach: Vec<String> = titles
            .iter()
            .map(|title| command(format!("policy attach {title}")).to_string())
            .collect();
        let count = self.detached.len();
        let besides = (count > 0).then(|| {
            format!(
                "besides, {} {} detached because of {}; {} makes {} again",
                policies(count),
                if count == 1 { "is" } else { "are" },
                titles.join(" and "),
                attach.join(" and "),
                if count == 1 { "it" } else { "them" },
            )
        });
        besides.into_iter().collect()
    }
}

impl Report for Abilities {
    fn table(&self) -> Table {
        let keys = ["table", "kind", "command", "columns", "rows", "new_rows"];
        let mut table = Table::new(&keys)
            .leaving(&["columns"])
            .wrapping(&["rows", "new_rows"]);
        let rows =
            |rows: &Option<Rows>| Cell::from(rows.as_ref().map(Rows::describe).map(Cell::lines));
        for ability in &self.abilities {
            table.row([
                Cell::text(match ability.kind.as_str() {
                    // Its signature is as PostgreSQL writes it.
                    "function" => format!("{}.{}", ability.relation.schema, ability.relation.name),
                    _ => ability.relation.title(),
                }),
                Cell::text(&ability.kind),
                Cell::text(&ability.command),
                Cell::text(ability.privilege.describe()),
                rows(&ability.rows),
                rows(&ability.new_rows),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let role = &self.role;
        if self.bypasses {
            return format!("row-level security does not bind {role}");
        }
        format!(
            "this is what {role} can do by the policies of each command; those for select are asked too wherever rows are read by update or delete, or returned"
        )
    }
}
